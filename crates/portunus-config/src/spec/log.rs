//! Logs.

use std::fmt;

use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec, nearest, read_parsed, spec, spec_enum};

use crate::address::textual;

spec! {
    /// Logs.
    pub struct LogSpec {
        /// One line for each exchange.
        access: AccessLogSpec,
        /// What the program says about itself, at most.
        level: LevelSpec = LevelSpec::Info,
    }
}

spec! {
    /// One line for each exchange.
    pub struct AccessLogSpec {
        short = to;
        /// `json`, `common`, `combined`, or a text with variables in braces.
        format: Spanned<LogFormatSpec> = Spanned::none(LogFormatSpec::Json),
        /// `stdout`, `stderr`, `off`, or the path of a file.
        to: Spanned<LogTargetSpec> = Spanned::none(LogTargetSpec::Stdout),
    }
}

spec_enum! {
    /// How much the program says about itself.
    pub enum LevelSpec {
        /// Only what went wrong.
        Error = "error",
        /// Also what may go wrong.
        Warn = "warn",
        /// Also what happens rarely.
        Info = "info",
        /// Also what helps to find a mistake.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// The form of an access log line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogFormatSpec {
    /// A JSON object.
    Json,
    /// The Common Log Format.
    Common,
    /// The Combined Log Format.
    Combined,
    /// A text with variables in braces.
    Template(String),
}

impl LogFormatSpec {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "common" => Ok(Self::Common),
            "combined" => Ok(Self::Combined),
            _ if text.contains('{') => Ok(Self::Template(text.to_owned())),
            _ => Err(match nearest(text, ["json", "common", "combined"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write json, common, combined, or a text with {variables}".to_owned(),
            }),
        }
    }
}

impl fmt::Display for LogFormatSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Common => "common",
            Self::Combined => "combined",
            Self::Template(text) => text,
        })
    }
}

/// Where an access log goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogTargetSpec {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Nowhere.
    Off,
    /// A file, opened again on USR1.
    File(String),
}

impl LogTargetSpec {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            "off" => Ok(Self::Off),
            _ if text.contains(['/', '.']) => Ok(Self::File(text.to_owned())),
            _ => Err("write stdout, stderr, off, or the path of a file: ./access.log"),
        }
    }
}

impl fmt::Display for LogTargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Off => "off",
            Self::File(path) => path,
        })
    }
}

textual! {
    LogFormatSpec: "`json`, `common`, `combined` or template", "a log format",
        ["json", "common", "combined", "{client.ip} {request.method} {response.status}"];
    LogTargetSpec: "`stdout`, `stderr`, `off` or path", "a place for a log",
        ["stdout", "stderr", "off", "/var/log/portunus/access.log"];
}
