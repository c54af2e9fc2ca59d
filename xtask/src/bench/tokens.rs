//! Tokens for a gateway that checks them, and the keys to check them with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::tools::Tools;
use crate::process;

/// A folder with both.
pub(super) struct Tokens(PathBuf);

impl Tokens {
    /// Makes them, and says what one check of a signature costs here.
    pub(super) fn create(tools: &Tools, work: &Path) -> Result<Self> {
        let folder = work.join("tokens");
        fs::create_dir_all(&folder)?;
        let mut command = process::command(&tools.tokens.display().to_string())?;
        command.arg("--folder").arg(&folder).arg("--count").arg(FRESH.to_string());
        let check_us = process::output(&mut command).context("bench-tokens made none")?;
        eprintln!("one check of a signature (RS256, 2048 bits): {} us", check_us.trim());
        Ok(Self(folder))
    }

    /// Puts the keys into a proxy's folder.
    pub(super) fn copy_keys_to(&self, folder: &Path) -> Result<()> {
        fs::copy(self.0.join(KEYS), folder.join(KEYS))?;
        Ok(())
    }

    /// The file of tokens, one a line.
    pub(super) fn file(&self) -> PathBuf {
        self.0.join("tokens.txt")
    }

    /// A token that is good.
    pub(super) fn first(&self) -> Result<String> {
        let all = fs::read_to_string(self.file())?;
        all.lines().next().map(str::to_owned).context("there is no token")
    }
}

/// So many tokens that no cache of verified ones holds them: each is as good as new when it comes again.
pub(super) const FRESH: usize = 20_000;
/// So few that a cache holds them all.
pub(super) const REPEATED: usize = 500;
const KEYS: &str = "jwks.json";
