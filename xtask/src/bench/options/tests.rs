use super::Options;

fn parse(line: &str) -> anyhow::Result<Options> {
    Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn options_choose_scenarios_and_peers() {
    let options = parse("--scenario start,plain --only relay,nginx --rounds 7 --no-log").unwrap();
    let scenarios: Vec<_> = options.scenarios.iter().map(|scenario| scenario.name).collect();
    let peers: Vec<_> = options.peers.iter().map(|peer| peer.name).collect();
    assert_eq!(scenarios, ["start", "plain"]);
    assert_eq!(peers, ["relay", "nginx"]);
    assert_eq!((options.rounds, options.access_log), (7, false));
}

#[test]
fn quick_only_changes_the_defaults() {
    let options = parse("--rounds 1 --quick").unwrap();
    assert_eq!((options.rounds, options.seconds, options.scenarios.len()), (1, 3, 1));
}

#[test]
fn wrong_options_are_refused() {
    for line in ["--scenario x", "--only y", "--rounds 0", "--rounds", "--seconds 5s", "plain"] {
        assert!(parse(line).is_err(), "{line}");
    }
}
