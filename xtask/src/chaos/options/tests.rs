use super::Options;

fn parse(line: &str) -> anyhow::Result<Options> {
    Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn options_choose_scenarios_and_peers() {
    let options = parse("--scenario killed,soak --peers nginx --soak-minutes 5 --rate 7").unwrap();
    let scenarios: Vec<_> = options.scenarios.iter().map(|scenario| scenario.name).collect();
    let peers: Vec<_> = options.peers.iter().map(|peer| peer.name).collect();
    assert_eq!(scenarios, ["killed", "soak"]);
    assert_eq!(peers, ["nginx"]);
    assert_eq!((options.soak_minutes, options.rate, options.quick), (5, Some(7), false));
}

#[test]
fn quick_only_changes_the_defaults() {
    let options = parse("--soak-minutes 2 --quick").unwrap();
    assert_eq!((options.soak_minutes, options.quick), (2, true));
    assert!(options.out.ends_with("target/chaos"));
    assert!(parse("").unwrap().out.ends_with("bench/results"));
}

#[test]
fn wrong_options_are_refused() {
    for line in ["--scenario x", "--peers y", "--peers portunus", "--rate 0", "--out", "killed"] {
        assert!(parse(line).is_err(), "{line}");
    }
}
