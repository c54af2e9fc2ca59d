//! Tokens for a gateway that checks them: signed with RS256 by a key that is made for them.
//!
//! `bench-tokens --folder DIR --count 20000` writes `jwks.json` and `tokens.txt`, one token a line. Prints the
//! microseconds that one check of a signature takes here, in processor time.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use portunus_bench_tools::args::Args;
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let folder: PathBuf = args.required("folder")?;
    let count: usize = args.required("count")?;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("no key"))?;
    let public = key.public_key();
    let n = public.as_ref().get(MODULUS).context("no modulus")?;
    let n = BASE64.encode(n);
    let jwks = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"bench","use":"sig","alg":"RS256","n":"{n}","e":"AQAB"}}]}}"#
    );
    fs::write(folder.join("jwks.json"), jwks)?;
    let tokens = (0..count).map(|number| token(&key, number)).collect::<Result<Vec<_>>>()?;
    fs::write(folder.join("tokens.txt"), tokens.join("\n"))?;
    let first = tokens.first().context("no token is asked for")?;
    writeln!(stdout(), "{:.2}", check_us(public.as_ref(), first)?)?;
    Ok(())
}

fn token(key: &RsaKeyPair, number: usize) -> Result<String> {
    let header = r#"{"alg":"RS256","typ":"JWT","kid":"bench"}"#;
    let claims = format!(
        r#"{{"iss":"https://id.example.com","aud":"shop","sub":"user-{number}","azp":"web","scope":"orders:read orders:write","iat":1790000000,"exp":4102444800,"jti":"{number:032x}"}}"#
    );
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| anyhow!("not signed"))?;
    Ok(format!("{signed}.{}", BASE64.encode(signature)))
}

/// Processor time of one check of a signature, in microseconds.
fn check_us(public: &[u8], token: &str) -> Result<f64> {
    let (signed, signature) = token.rsplit_once('.').context("no token")?;
    let signature = BASE64.decode(signature)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
    let begun = cpu_us();
    for _ in 0..CHECKS {
        key.verify(signed.as_bytes(), &signature).map_err(|_| anyhow!("it does not fit"))?;
    }
    Ok((cpu_us() - begun) / f64::from(CHECKS))
}

#[expect(clippy::cast_precision_loss, reason = "a few seconds")]
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Where the modulus stands in the DER of a public key of 2,048 bits (RFC 8017, A.1.1).
const MODULUS: std::ops::Range<usize> = 9..265;
const CHECKS: u32 = 2000;
