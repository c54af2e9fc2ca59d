//! Golden configurations: each file of `tests/config` holds an input and what becomes of it.
//!
//! A file starts with the main file. Lines that start with `--- ` open further sections: `file
//! NAME` for a file beside it, `env` for lines `NAME=value`, then what is expected: `normal` (the
//! normal form), `errors` or `warnings` (the rendered diagnostics).
//! `UPDATE_GOLDEN=1 cargo test -p portunus-config` writes the expected sections anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portunus_spec::yaml;

use crate::{Env, Files, Loaded, load, matches, normal};

#[test]
fn every_golden_configuration_gives_what_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/config");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 25, "only {} goldens", paths.len());
    let failed: Vec<String> = paths.iter().filter_map(|path| check(path).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn check(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).unwrap();
    let golden = Golden::parse(&text);
    let expected = golden.outcome();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, golden.input.clone() + &expected).unwrap();
        return Ok(());
    }
    match golden.expected == expected {
        true => Ok(()),
        false => Err(format!("{} gives:\n{expected}", path.display())),
    }
}

#[derive(Default)]
struct Golden {
    /// The sections before the expected ones, as they stand in the file.
    input: String,
    /// The expected sections.
    expected: String,
    files: BTreeMap<PathBuf, String>,
    env: Env,
}

impl Golden {
    fn parse(text: &str) -> Self {
        let mut golden = Self::default();
        golden.files.insert("main.yaml".into(), String::new());
        let mut section = "file main.yaml";
        for line in text.lines() {
            let opened = line.strip_prefix("--- ");
            section = opened.unwrap_or(section);
            let given = section == "env" || section.starts_with("file ");
            let part = if given { &mut golden.input } else { &mut golden.expected };
            part.push_str(line);
            part.push('\n');
            if opened.is_some() {
                continue;
            }
            if let Some(name) = section.strip_prefix("file ") {
                let file = golden.files.entry(name.into()).or_default();
                file.push_str(line);
                file.push('\n');
            } else if let (true, Some((name, value))) = (section == "env", line.split_once('=')) {
                golden.env.insert(name.to_owned(), value.to_owned());
            }
        }
        golden
    }

    fn load(&self) -> Loaded {
        load(Path::new("main.yaml"), self, &self.env)
    }

    /// The same with another main file, and nothing else that is read as a configuration.
    fn with_main(&self, text: &str) -> Self {
        let yaml = |path: &Path| path.extension().is_some_and(|ending| ending == "yaml");
        let mut files = self.files.clone();
        files.retain(|path, _| !yaml(path));
        files.insert("main.yaml".into(), text.to_owned());
        Self { files, env: self.env.clone(), ..Self::default() }
    }

    fn outcome(&self) -> String {
        let loaded = self.load();
        let rendered = loaded.diagnostics.render(&loaded.sources, false);
        if loaded.diagnostics.has_errors() {
            return format!("--- errors\n{rendered}");
        }
        let spec = loaded.spec.expect("a configuration without errors has a spec");
        let written = yaml::write(&normal(&spec));
        let again = self.with_main(&written).load();
        assert!(
            !again.diagnostics.has_errors(),
            "{}",
            again.diagnostics.render(&again.sources, false)
        );
        assert_eq!(yaml::write(&normal(&again.spec.unwrap())), written, "not a fixed point");
        let warnings =
            if rendered.is_empty() { rendered } else { format!("--- warnings\n{rendered}") };
        format!("--- normal\n{written}{warnings}")
    }
}

impl Files for Golden {
    fn read(&self, path: &Path) -> Result<String, String> {
        self.files.get(path).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        let pattern = pattern.to_str().unwrap();
        self.files.keys().filter(|path| matches(pattern, path.to_str().unwrap())).cloned().collect()
    }
}
