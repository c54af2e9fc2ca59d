//! `portunus key jwt`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use portunus_base::{Clock as _, SystemClock, parse_duration};
use portunus_jwt::{Algorithm, SigningKey};
use serde_json::{Map, Value};

use crate::cli::output;

/// Options of `key jwt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    key: KeyOptions,
    /// A claim; what is JSON but no text counts as such (`--claim n=7`); may be given more than once.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// How long the token is good.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    expires: String,
    /// The algorithm; the usual one of the key unless given.
    #[arg(long, value_name = "ALGORITHM")]
    alg: Option<String>,
    /// The name of the key in the token.
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
}

/// What signs: one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct KeyOptions {
    /// A private key, as a file in PEM or in JSON (JWK).
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A secret that both sides know. Others on this machine can see it while the command runs.
    #[arg(long, value_name = "TEXT")]
    secret: Option<String>,
    /// A file with a secret that both sides know.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let mut key = options.key.read()?;
    if let Some(id) = &options.kid {
        key = key.named(id);
    }
    let algorithm = algorithm(&key, options.alg.as_deref())?;
    let life = parse_duration(&options.expires)
        .map_err(|error| anyhow!("`{}` is not a duration; {error}", options.expires))?;
    let now_s = SystemClock.wall().0 / 1_000_000;
    let mut claims = Map::new();
    claims.insert("iat".to_owned(), now_s.into());
    claims.insert("exp".to_owned(), now_s.saturating_add(life.as_secs()).into());
    claims.extend(options.claims.iter().cloned());
    let token = key.mint(algorithm, &claims).map_err(|fault| anyhow!("{fault}"))?;
    output::print(&format!("{token}\n"))
}

impl KeyOptions {
    fn read(&self) -> anyhow::Result<SigningKey> {
        match (&self.key, &self.secret, &self.secret_file) {
            (Some(path), ..) => {
                let text = content(path)?;
                let is_json = text.trim_ascii_start().starts_with(b"{");
                let read = if is_json { SigningKey::from_jwk } else { SigningKey::from_pem };
                read(&text).map_err(|fault| anyhow!("{}: {fault}", path.display()))
            }
            (_, Some(secret), _) => Ok(SigningKey::secret(secret.as_bytes())),
            (.., Some(path)) => Ok(SigningKey::secret(content(path)?.trim_ascii_end())),
            _ => bail!("give --key, --secret or --secret-file"),
        }
    }
}

fn content(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn algorithm(key: &SigningKey, wanted: Option<&str>) -> anyhow::Result<Algorithm> {
    let known: Vec<Algorithm> = key.algorithms().collect();
    let list = || known.iter().map(|one| one.word()).collect::<Vec<_>>().join(", ");
    match wanted {
        None => known.first().copied().context("the key is too short for any algorithm"),
        Some(name) => {
            let named = Algorithm::named(name).filter(|named| known.contains(named));
            named.with_context(|| format!("this key signs by {}, not by `{name}`", list()))
        }
    }
}

/// `name=value`. A value that is JSON, but no text, is what it says.
fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        return Err("a claim has a name".to_owned());
    }
    let value = match serde_json::from_str(value) {
        Ok(Value::String(_)) | Err(_) => Value::String(value.to_owned()),
        Ok(json) => json,
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests;
