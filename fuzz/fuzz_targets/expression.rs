//! Any text is an expression or is told why not; what is one is evaluated without a panic and at a bounded cost, the
//! same each time, and a mistake is within the text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portunus_base::Wall;
use portunus_exchange::Exchange;
use portunus_expression::Expression;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expression = match Expression::compile(text, &["id", "rest"]) {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.at <= text.len() && !error.message.is_empty());
            return;
        }
    };
    EXCHANGE.with(|exchange| {
        let once = expression.eval_text(exchange, NOW);
        assert_eq!(once, expression.eval_text(exchange, NOW));
        if let Err(error) = once {
            assert!(!expression.tell(&error).is_empty());
        }
        let _ = expression.eval_bool(exchange, NOW);
        assert!(expression.parts(exchange, NOW).iter().all(|part| text.contains(part.text)));
    });
});

thread_local! {
    static EXCHANGE: LazyLock<Exchange> = const { LazyLock::new(exchange) };
}

fn exchange() -> Exchange {
    let mut exchange = Exchange::default();
    exchange.request.set_method(b"PUT");
    exchange.request.set_path(b"/orders/a%2Fb");
    exchange.request.set_query(Some(b"a=b&c=%ff&a"));
    exchange.request.set_authority(b"shop.example.com");
    for (name, value) in [("x-a", "1"), ("x-a", "2"), ("cookie", "a=b; c"), ("x-long", LONG)] {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange
}

const NOW: Wall = Wall(1_800_000_000_000_000);
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
