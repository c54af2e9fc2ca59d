use super::*;

#[test]
fn the_loader_of_a_program_is_a_program() {
    let own = loader_of(&std::env::current_exe().unwrap()).unwrap();
    let has_loader = loader_of(&own).is_some();
    assert!(own.is_file() && !has_loader, "{own:?}");
}

#[test]
fn what_is_no_program_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut broken = std::fs::read("/bin/true").unwrap();
    broken.truncate(70);
    for content in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02", &broken] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(loader_of(&file), None);
    }
}
