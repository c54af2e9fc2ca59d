//! `portunus cert trust`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::admin::field;
use crate::cli::{admin, output};
use crate::wire;

/// Options of `cert trust`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    // A Portunus that runs knows best; one that is not started yet will use what is here.
    let running = options.admin.ask(config, "GET", "/api/authority").ok();
    let pem = running.and_then(|(_, answer)| field(&answer, "pem").as_str().map(str::to_owned));
    let pem = match pem {
        Some(pem) => pem,
        None => {
            output::note(FROM_HERE);
            portunus_control::local_authority(&wire::env()).context("no local authority")?
        }
    };
    output::print(&pem)?;
    output::note(HELP);
    Ok(ExitCode::SUCCESS)
}

const FROM_HERE: &str = "\
note: no running Portunus names an authority; this is the one of your own state folder";

const HELP: &str = "\
This is the certificate of the local authority, without its key. To make programs believe it:
  portunus cert trust > portunus-ca.pem
  curl        curl --cacert portunus-ca.pem https://...
  Debian      cp portunus-ca.pem /usr/local/share/ca-certificates/portunus.crt && update-ca-certificates
  Fedora      cp portunus-ca.pem /etc/pki/ca-trust/source/anchors/ && update-ca-trust
  macOS       security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db portunus-ca.pem
  Firefox     Settings, Privacy & Security, View Certificates, Authorities, Import
  Node, Python  NODE_EXTRA_CA_CERTS=portunus-ca.pem, SSL_CERT_FILE=portunus-ca.pem
Whoever has the key of this authority can pretend to be any site to these programs.";
