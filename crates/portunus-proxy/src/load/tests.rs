use super::*;

#[test]
fn only_clear_differences_move_connections() {
    let loads = Loads::new(3);
    loads.set(WorkerId(0), 5, 0);
    loads.set(WorkerId(1), 1, 0);
    loads.set(WorkerId(2), 3, 1);
    assert_eq!(loads.less_loaded(WorkerId(0)), None);
    loads.set(WorkerId(0), 6, 0);
    assert_eq!(loads.less_loaded(WorkerId(0)), Some(WorkerId(1)));
    assert_eq!(loads.less_loaded(WorkerId(1)), None);
    assert_eq!((loads.connections(), loads.in_flight()), (10, 1));
}
