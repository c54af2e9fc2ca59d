//! `portunus explain`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use portunus_compile::{Question, explain};

use super::{FAILED, origin, output};

/// Options of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The method and the URL, or the URL of a GET alone.
    #[arg(value_name = "METHOD URL", required = true, num_args = 1..=2)]
    request: Vec<String>,
    /// A header field of the request, as `name: value`.
    #[arg(short = 'H', long = "header", value_name = "FIELD")]
    headers: Vec<String>,
    /// The request's body; without a method it is then a POST.
    #[arg(short, long, value_name = "TEXT")]
    data: Option<String>,
    /// When the request comes, as 2026-12-31T23:59:59Z; now unless given.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The client's address.
    #[arg(long, value_name = "ADDRESS")]
    client_ip: Option<IpAddr>,
    /// The listener that the request comes to.
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    /// The name that the client asks for within TLS; the URL's host unless given.
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let question = Question::parse(&options.words()).map_err(anyhow::Error::msg)?;
    let Some(prepared) = origin::compiled(config)? else { return Ok(ExitCode::from(FAILED)) };
    let compiled = prepared.compiled.as_ref().context("there is a compiled configuration")?;
    let explanation = explain(compiled, &question);
    output::print(&if options.json {
        format!("{}\n", explanation.to_json().trim_end())
    } else {
        format!("{}\n", explanation.to_string().trim_end())
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// The question in the words that [`Question::parse`] reads.
    fn words(&self) -> Vec<String> {
        let mut words = self.request.clone();
        let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
        self.headers.iter().for_each(|field| flag("-H", field.clone()));
        if let Some(address) = self.client_ip {
            flag("--client-ip", address.to_string());
        }
        if let Some(listener) = &self.listener {
            flag("--listener", listener.clone());
        }
        if let Some(body) = &self.data {
            flag("-d", body.clone());
        }
        if let Some(time) = &self.at {
            flag("--at", time.clone());
        }
        if let Some(name) = &self.sni {
            flag("--sni", name.clone());
        }
        words
    }
}
