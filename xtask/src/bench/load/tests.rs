use super::{Closed, Open, parse_h2load, parse_open, parse_wrk};

const WRK: &str = "Running 3s test @ http://127.0.0.1:1/1k
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   782.67us  551.61us  10.44ms   94.01%
    Req/Sec    62.09k     8.83k   69.77k    86.67%
  Latency Distribution
     50%  691.00us
     75%  784.00us
     90%    1.03ms
     99%    3.08ms
  185253 requests in 3.00s, 2.50MB read
Requests/sec:  61736.04
Transfer/sec:     68.53MB
";

#[test]
fn the_report_of_wrk_is_read() {
    let expected = Closed {
        requests: 185_253.0,
        requests_per_second: 61_736.04,
        bytes: 2.5 * 1024.0 * 1024.0,
        p50_us: 691.0,
        p99_us: 3080.0,
        fault: None,
    };
    assert_eq!(parse_wrk(WRK).unwrap(), expected);
}

#[test]
fn refused_requests_and_socket_errors_are_faults() {
    for fault in
        ["Non-2xx or 3xx responses: 5", "Socket errors: connect 0, read 1, write 0, timeout 0"]
    {
        let report = format!("{WRK}  {fault}\n");
        assert_eq!(parse_wrk(&report).unwrap().fault.as_deref(), Some(fault));
    }
}

#[test]
fn a_report_without_requests_is_an_error() {
    assert!(parse_wrk("unable to connect").is_err());
}

#[test]
fn the_report_of_bench_load_is_read() {
    let report =
        r#"{"rate":1,"requests":10,"failed":0,"p50_us":1.5,"p99_us":2,"p999_us":3,"max_us":4}"#;
    let expected = Open { requests: 10.0, failed: 0.0, p50_us: 1.5, p99_us: 2.0, p999_us: 3.0 };
    assert_eq!(parse_open(report).unwrap(), expected);
    assert!(parse_open("{}").is_err());
}

const H2LOAD: &str = "finished in 3.00s, 20000.50 req/s, 21.10MB/s
requests: 60001 total, 60129 started, 60001 done, 60001 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 60001 2xx, 0 3xx, 0 4xx, 0 5xx
";

#[test]
fn the_report_of_h2load_is_read() {
    let closed = parse_h2load(H2LOAD).unwrap();
    assert_eq!((closed.requests, closed.requests_per_second), (60_001.0, 20_000.5));
    assert_eq!(closed.fault, None);
    for (good, bad) in [("60001 2xx, 0", "60000 2xx, 1"), ("0 failed", "1 failed")] {
        assert!(parse_h2load(&H2LOAD.replace(good, bad)).unwrap().fault.is_some());
    }
    assert!(parse_h2load("could not connect").is_err());
}
