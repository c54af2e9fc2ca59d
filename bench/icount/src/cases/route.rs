//! Looking for a route in a small table and in a large one: the number of routes must not show.

use std::hint::black_box;

use anyhow::{Result, anyhow, ensure};
use portunus_base::{ListenerId, RouteId};
use portunus_http::RequestHead;
use portunus_route::{
    ConnectionFacts, HostPattern, NoRecorder, Params, PathPattern, RouteRule, Router, RouterBuilder,
};

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    let searches = [
        ("exact-path", ["shop-SITE.example.com", "/COPY/orders/all"]),
        ("params", ["shop-SITE.example.com", "/COPY/orders/4711/items/3"]),
        ("wildcard-host", ["www.tenant-SITE.example.org", "/COPY/orders/4711/items/3"]),
    ];
    let tables = [Table { sites: 1, copies: 1 }, Table { sites: 100, copies: 10 }];
    let pairs = searches.into_iter().flat_map(|search| tables.map(|table| (search, table)));
    let case = |((name, [host, path]), table): ((_, [_; 2]), Table)| {
        let name = format!("route/{name}-{}", table.routes());
        Case::new(name, move || find(table, host, path))
    };
    pairs.map(case).collect()
}

/// How large a table is: more of the same, under more hosts and under the same host.
#[derive(Clone, Copy)]
struct Table {
    sites: usize,
    /// How often a site has all of [`ROUTES`], under paths of their own.
    copies: usize,
}

impl Table {
    fn routes(self) -> usize {
        self.sites * self.copies * ROUTES.len()
    }

    fn router(self) -> Result<Router> {
        let mut builder = RouterBuilder::new();
        let places =
            (0..self.sites).flat_map(|site| (0..self.copies).map(move |copy| (site, copy)));
        let routes = places.flat_map(|place| ROUTES.iter().map(move |route| (place, route)));
        for (id, ((site, copy), [host, path])) in (0..).zip(routes) {
            builder.add(RouteRule {
                id: RouteId(id),
                host: HostPattern::parse(&placed(host, site, copy))?,
                path: PathPattern::parse(&placed(path, site, copy))?,
                conditions: Vec::new(),
            });
        }
        builder.build().map_err(|conflicts| anyhow!("{} conflicts", conflicts.len()))
    }

    /// Requests from all over the table, so that no lucky slot of a hash table decides.
    fn requests(self, host: &str, path: &str) -> Vec<RequestHead> {
        let request = |at: usize| {
            let (site, copy) = (at * self.sites / REQUESTS, at * self.copies / REQUESTS);
            let mut head = RequestHead::default();
            head.set_authority(placed(host, site, copy).as_bytes());
            head.set_path(placed(path, site, copy).as_bytes());
            head
        };
        (0..REQUESTS).map(request).collect()
    }
}

fn find(table: Table, host: &str, path: &str) -> Result<impl FnMut() + use<>> {
    let router = table.router()?;
    ensure!(router.len() == table.routes(), "the table has another size");
    let (requests, mut params) = (table.requests(host, path), Params::default());
    let connection = ConnectionFacts { listener: ListenerId(0), client_ip: [192, 0, 2, 1].into() };
    for request in &requests {
        router
            .find(request, &connection, &mut params, &mut NoRecorder)
            .map_err(|missed| anyhow!("{missed}"))?;
    }
    let mut turn = 0;
    Ok(move || {
        turn = (turn + 1) % REQUESTS;
        if let Some(request) = requests.get(turn) {
            let found = router.find(
                black_box(request),
                &connection,
                black_box(&mut params),
                &mut NoRecorder,
            );
            let _ = black_box(found);
        }
    })
}

/// The text for one place of the table; it has the same length for each.
fn placed(text: &str, site: usize, copy: usize) -> String {
    text.replace("SITE", &format!("{site:03}")).replace("COPY", &format!("v{copy:02}"))
}

/// Hosts and paths of the smallest table.
const ROUTES: [[&str; 2]; 10] = [
    ["shop-SITE.example.com", "/COPY/orders/all"],
    ["shop-SITE.example.com", "/COPY/products/all"],
    ["shop-SITE.example.com", "/COPY/customers/all"],
    ["shop-SITE.example.com", "/COPY/health"],
    ["shop-SITE.example.com", "/COPY/orders/{order}/items/{item}"],
    ["shop-SITE.example.com", "/COPY/products/{product}"],
    ["shop-SITE.example.com", "/COPY/customers/{customer}/orders"],
    ["*.tenant-SITE.example.org", "/COPY/orders/{order}/items/{item}"],
    ["*.tenant-SITE.example.org", "/COPY/products/{product}"],
    ["*.tenant-SITE.example.org", "/COPY/static/**"],
];

const REQUESTS: usize = 8;
