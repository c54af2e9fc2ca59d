use super::*;

fn destination(url: &str) -> Result<String, String> {
    let plan = RedisOptions::new(url).plan().map_err(|error| error.to_string())?;
    let tls = if matches!(plan.destination, Destination::Tls { .. }) { "tls " } else { "" };
    Ok(format!("{tls}{}", plan.destination))
}

#[test]
fn urls_say_where_redis_is() {
    assert_eq!(destination("redis://cache"), Ok("cache:6379".to_owned()));
    assert_eq!(destination("valkey://10.0.0.1:7000/3"), Ok("10.0.0.1:7000".to_owned()));
    assert_eq!(destination("rediss://u:p@cache:6380/1"), Ok("tls cache:6380".to_owned()));
    assert_eq!(destination("unix:///run/redis.sock?db=2"), Ok("/run/redis.sock".to_owned()));
    let plan = RedisOptions::new("redis://ann:se%2Fcret@cache/7").plan().unwrap();
    assert_eq!((plan.login.username(), plan.login.password()), (Some("ann"), Some("se/cret")));
    assert_eq!(plan.login.db(), 7);
}

#[test]
fn mistakes_never_repeat_the_password() {
    for url in [
        "cache:6379",
        "http://u:hunter2@cache",
        "redis://u:hunter2@",
        "rediss://u:hunter2@c#insecure",
    ] {
        let error = destination(url).unwrap_err();
        assert!(error.contains("URL") || error.contains("redis://"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let options = RedisOptions::new("redis://u:hunter2@cache");
    assert!(!format!("{options:?}").contains("hunter2"));
}

#[test]
fn certificates_are_read_beforehand() {
    let options =
        RedisOptions { ca_pem: Some(b"nothing".to_vec()), ..RedisOptions::new("rediss://cache") };
    assert!(options.plan().is_err_and(|error| error.to_string().contains("no certificate")));
}
