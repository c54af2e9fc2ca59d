use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use instant_acme::{Account, BodyWrapper, BytesResponse, Error, HttpClient};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::window;
use crate::certificate::Issued;
use crate::plan::Names;
use crate::schedule::Window;
use portunus_base::Wall;

/// An authority that says about every certificate that is asked for what it was told to say.
struct Authority {
    offers_ari: bool,
    status: StatusCode,
    retry_after: Option<&'static str>,
    answer: &'static str,
}

impl Authority {
    fn says(retry_after: Option<&'static str>, answer: &'static str) -> Self {
        Self { offers_ari: true, status: StatusCode::OK, retry_after, answer }
    }

    fn body(&self, path: &str) -> String {
        let ari = r#", "renewalInfo": "https://ca.test/ari""#;
        let ari = if self.offers_ari { ari } else { "" };
        match path {
            "/dir" => format!(r#"{{"newNonce": "n", "newAccount": "a", "newOrder": "o"{ari}}}"#),
            _ => self.answer.to_owned(),
        }
    }
}

impl HttpClient for Authority {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let path = request.uri().path();
        assert!(path == "/dir" || path == format!("/ari/{ARI_ID}"), "{path}");
        let mut response =
            Response::builder().status(self.status).header(CONTENT_TYPE, "application/json");
        if let Some(retry_after) = self.retry_after {
            response = response.header(RETRY_AFTER, retry_after);
        }
        let (parts, body) = response.body(Bytes::from(self.body(path))).unwrap().into_parts();
        Box::pin(async move { Ok(BytesResponse { parts, body: Box::new(body) }) })
    }
}

async fn asked(authority: Authority) -> Option<(Option<Window>, Duration)> {
    let (_, key) = instant_acme::Key::generate_pkcs8().unwrap();
    let builder = Account::builder_with_http(Box::new(authority));
    let url = "https://ca.test/dir".to_owned();
    let account = builder.from_parts("https://ca.test/acct/1".to_owned(), key, url).await.unwrap();
    window(&account, &certificate("a.test")).await
}

/// The serial number and the key identifier are those of the example in RFC 9773, section 4.1.
pub(crate) fn certificate(name: &str) -> Issued {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let id = [
        0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae,
        0x2c, 0xde, 0x01, 0xc8, 0xd4,
    ];
    ca.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(id.to_vec());
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(rcgen::SerialNumber::from(vec![0x00, 0x87, 0x65, 0x43, 0x21]));
    let key = KeyPair::generate().unwrap();
    let chain = params.signed_by(&key, &ca).unwrap().pem();
    let names = Names::new([name]).unwrap();
    let directory = "https://ca.test/dir".to_owned();
    Issued::new(names, chain, key.serialize_pem(), directory).unwrap()
}

const ARI_ID: &str = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
const ANSWER: &str = r#"{"suggestedWindow":
    {"start": "2026-01-03T00:00:00Z", "end": "2026-01-05T00:00:00Z"}}"#;

#[tokio::test]
async fn the_authority_says_when_to_renew_and_when_to_ask_again() {
    let (window, again) = asked(Authority::says(Some("21600"), ANSWER)).await.unwrap();
    let day_us = 24 * 3600 * 1_000_000;
    let start = Wall(1_767_398_400_000_000);
    assert_eq!(window, Some(Window { start, end: Wall(start.0 + 2 * day_us) }));
    assert!((21_590..=21_600).contains(&again.as_secs()), "{again:?}");
}

#[tokio::test]
async fn an_authority_is_neither_asked_all_the_time_nor_forgotten() {
    let (_, again) = asked(Authority::says(Some("0"), ANSWER)).await.unwrap();
    assert_eq!(again, Duration::from_secs(60));
    let (_, again) = asked(Authority::says(Some("99999999"), ANSWER)).await.unwrap();
    assert_eq!(again, Duration::from_secs(24 * 3600));
}

#[tokio::test]
async fn without_a_word_that_can_be_read_our_own_rule_counts() {
    let silent = Authority { offers_ari: false, ..Authority::says(None, "") };
    assert!(asked(silent).await.is_none());
    assert!(asked(Authority::says(None, ANSWER)).await.is_none());
    assert!(asked(Authority::says(Some("60"), "<html>")).await.is_none());
    let problem = r#"{"type": "urn:ietf:params:acme:error:malformed", "status": 404}"#;
    let unknown =
        Authority { status: StatusCode::NOT_FOUND, ..Authority::says(Some("60"), problem) };
    assert!(asked(unknown).await.is_none());
}
