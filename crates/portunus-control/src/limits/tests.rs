use super::*;

#[test]
fn files_and_connections_fit_each_other() {
    for connections in [1, 448, 100_000, u32::MAX] {
        assert_eq!(connections_in(files_for(connections)), u64::from(connections));
    }
    assert_eq!((connections_in(1024), connections_in(100)), (448, 0));
}
