use std::net::TcpListener;

use super::*;

#[test]
fn listeners_are_found_with_their_users() {
    let row = |ip: &str, state: &str| {
        format!(
            "  7: {ip}:1FEA 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1001        0 4711 1"
        )
    };
    let at = |row: &str, address: &str| listener_of(row, address.parse().unwrap());
    let [v4, mapped]: [String; 2] = in_table(IpAddr::from([127, 0, 0, 1])).try_into().unwrap();
    for ip in [&v4, &mapped, "00000000", "00000000000000000000000000000000"] {
        assert_eq!(at(&row(ip, "0A"), "127.0.0.1:8170"), Some(1001), "{ip}");
        assert_eq!(at(&row(ip, "01"), "127.0.0.1:8170"), None, "it only listens");
        assert_eq!(at(&row(ip, "0A"), "127.0.0.1:8171"), None, "another port");
    }
    assert_eq!(at(&row(&v4, "0A"), "127.0.0.2:8170"), None);
    assert_eq!(at(&row(&v4, "0A"), "[::1]:8170"), None);
    assert_eq!(at("  sl  local_address rem_address   st tx_queue", "127.0.0.1:8170"), None);
    assert_eq!(at("", "127.0.0.1:8170"), None);
}

#[test]
fn the_kernel_s_own_tables_are_read() {
    let own = rustix::process::geteuid().as_raw();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // There may be no IPv6.
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let address = listener.local_addr().unwrap();
        assert_eq!(listeners_at(address).unwrap(), [own], "{address}");
    }
    let wide = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = wide.local_addr().unwrap().port();
    assert_eq!(listeners_at(([127, 0, 0, 1], port).into()).unwrap(), [own]);
}

#[test]
fn nothing_is_shown_beyond_this_machine() {
    for address in ["192.0.2.1:8170", "[2001:db8::1]:8170", "0.0.0.0:8170"] {
        assert!(OwnToken::find(address.parse().unwrap()).is_none(), "{address}");
    }
    assert!(OwnToken::find("[::ffff:127.0.0.1]:8170".parse().unwrap()).is_some());
}

#[test]
fn the_token_is_shown_to_who_listens_and_is_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.token");
    std::fs::write(&path, "0".repeat(64)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(read(&path, address).unwrap(), "0".repeat(64));
    drop(listener);
    assert!(read(&path, address).unwrap_err().to_string().contains("nobody listens"));
}
