//! Certificates by ACME (RFC 8555).

use portunus_spec::{Secret, Spanned, spec, spec_enum};

use super::PemSpec;

spec! {
    /// Certificates by ACME: asked for, renewed and put to use by themselves.
    pub struct AcmeSpec {
        short = email;
        /// Where the authority may write to about certificates.
        email: Option<Spanned<String>>,
        /// The authorities' directories. Of several, the next one is asked when one fails.
        directory: Vec<DirectorySpec> = DirectorySpec::default_list(),
        /// How control over a name is shown. Wildcards need `dns-01`.
        challenge: Spanned<ChallengeSpec> = Spanned::none(ChallengeSpec::TlsAlpn01),
        /// An account that the authority has given beforehand (External Account Binding), where there
        /// is one directory.
        eab: Option<Spanned<EabSpec>>,
        /// The names that certificates are asked for; those of the hosts unless set.
        domains: Vec<Spanned<String>> = Vec::new(),
        /// Asks for certificates when a client first names a host.
        on_demand: Option<OnDemandSpec>,
        /// How records are written for `dns-01`.
        dns: Option<DnsSpec>,
        /// The folder for account and certificates, which several nodes may share;
        /// the state folder unless set.
        storage: Option<Spanned<String>>,
        /// A PEM file with the authorities that the directories' own certificates must come from; those
        /// of the system unless set.
        ca: Option<Spanned<PemSpec>>,
    }
}

spec! {
    /// The directory of an ACME authority.
    pub struct DirectorySpec {
        short = url;
        /// Its URL, or `letsencrypt`, `letsencrypt-staging`, `zerossl`.
        url: Spanned<String>,
        /// An account that the authority has given beforehand.
        eab: Option<Spanned<EabSpec>>,
        /// A PEM file with the authorities that the directory's own certificate must come from.
        ca: Option<Spanned<PemSpec>>,
    }
}

impl DirectorySpec {
    fn default_list() -> Vec<Self> {
        let url = Spanned::none("letsencrypt".to_owned());
        vec![Self { url, eab: None, ca: None }]
    }

    /// The URL of the directory.
    #[must_use]
    pub fn full_url(&self) -> &str {
        let known = DIRECTORIES.iter().find(|(name, _)| *name == self.url.value);
        known.map_or(self.url.as_str(), |(_, url)| *url)
    }

    /// Whether it belongs to an authority of the public that is known by name.
    #[must_use]
    pub fn is_public(&self) -> bool {
        DIRECTORIES.iter().any(|(name, url)| [*name, *url].contains(&self.url.as_str()))
    }
}

spec_enum! {
    /// How control over a name is shown.
    pub enum ChallengeSpec {
        /// A file on port 80.
        Http01 = "http-01",
        /// A special certificate on port 443.
        TlsAlpn01 = "tls-alpn-01",
        /// A record in DNS.
        Dns01 = "dns-01",
    }
}

spec! {
    /// An account that the authority has given beforehand.
    pub struct EabSpec {
        /// Its name.
        key_id: String,
        /// Its key, in base64url as the authority shows it.
        hmac_key: Spanned<Secret>,
    }
}

spec! {
    /// Certificates for names that are not known beforehand.
    pub struct OnDemandSpec {
        short = ask;
        /// A URL that is asked, with `?domain=name`, whether a name may have a certificate: it may
        /// if the answer is 200.
        ask: Spanned<String>,
    }
}

spec! {
    /// How records are written for `dns-01`.
    pub struct DnsSpec {
        /// By dynamic updates.
        rfc2136: Rfc2136Spec,
    }
}

spec! {
    /// Dynamic updates (RFC 2136), signed with TSIG.
    pub struct Rfc2136Spec {
        /// The address of the server, with its port if that is not 53.
        server: Spanned<String>,
        /// The zone; found by asking the server unless set.
        zone: Option<Spanned<String>>,
        /// The name of the TSIG key.
        key_name: Option<Spanned<String>>,
        /// The TSIG key, in base64.
        key: Option<Spanned<Secret>>,
        /// The algorithm of the TSIG key.
        algorithm: TsigAlgorithmSpec = TsigAlgorithmSpec::HmacSha256,
    }
}

spec_enum! {
    /// An algorithm of TSIG.
    pub enum TsigAlgorithmSpec {
        /// HMAC with SHA-256.
        HmacSha256 = "hmac-sha256",
        /// HMAC with SHA-384.
        HmacSha384 = "hmac-sha384",
        /// HMAC with SHA-512.
        HmacSha512 = "hmac-sha512",
    }
}

/// Authorities that are known by name.
pub(crate) const DIRECTORIES: &[(&str, &str)] = &[
    ("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"),
    ("letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
    ("zerossl", "https://acme.zerossl.com/v2/DV90"),
];
