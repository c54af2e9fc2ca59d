//! Keys of session tickets: the state of a session stays with the client (RFC 8446 section 4.6.1, RFC 5077).

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use portunus_base::Wall;
use rustls::server::ProducesTickets;

use crate::TlsConfigError;

/// Keys that all workers share, and all nodes that read the same file.
pub struct TicketKeys {
    ring: ArcSwap<Ring>,
    /// The keys come from a file, which alone says when they change.
    from_file: bool,
}

/// Keys, the one that seals first.
struct Ring {
    keys: Vec<Arc<Key>>,
    made: Wall,
}

struct Key {
    name: [u8; NAME_BYTES],
    key: LessSafeKey,
    /// What it is made of, where no file has that.
    seed: Option<[u8; SEED_BYTES]>,
}

/// Keys that were made at random, for a process that takes over: what one of them sealed, the other opens.
#[derive(Clone)]
pub struct TicketSeeds {
    /// 48 bytes a key, the current one first. Secret.
    pub bytes: Vec<u8>,
    /// When the current one was made.
    pub made: Wall,
}

impl TicketKeys {
    /// A key that nobody else has.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn random(now: Wall) -> Result<Self, TlsConfigError> {
        let ring = Ring { keys: vec![Arc::new(Key::random()?)], made: now };
        Ok(Self { ring: ArcSwap::from_pointee(ring), from_file: false })
    }

    /// The keys that another process had made, for what it sealed and for more.
    ///
    /// # Errors
    /// They have another length.
    pub fn resume(seeds: &TicketSeeds) -> Result<Self, TlsConfigError> {
        let keys = seeds.bytes.chunks(SEED_BYTES).map(|seed| Key::seeded(seed).map(Arc::new));
        let keys = keys.collect::<Option<Vec<_>>>();
        let keys = keys.filter(|keys| !keys.is_empty());
        let wrong = || TlsConfigError::plain("the ticket keys of the process before are cut");
        let ring = Ring { keys: keys.ok_or_else(wrong)?, made: seeds.made };
        Ok(Self { ring: ArcSwap::from_pointee(ring), from_file: false })
    }

    /// What another process needs to go on with them; `None` where they come from a file, which it can read.
    #[must_use]
    pub fn seeds(&self) -> Option<TicketSeeds> {
        let ring = self.ring.load();
        let seeds = ring.keys.iter().map(|key| key.seed).collect::<Option<Vec<_>>>()?;
        Some(TicketSeeds { bytes: seeds.concat(), made: ring.made })
    }

    /// The keys of a file: 48 or 80 bytes each, the current one first.
    ///
    /// # Errors
    /// It has another length.
    pub fn from_file(bytes: &[u8]) -> Result<Self, TlsConfigError> {
        Ok(Self { ring: ArcSwap::from_pointee(Ring::read(bytes)?), from_file: true })
    }

    /// Takes the keys of the file as it is now.
    ///
    /// # Errors
    /// It has another length; the old keys stay.
    pub fn reload(&self, bytes: &[u8]) -> Result<(), TlsConfigError> {
        self.ring.store(Arc::new(Ring::read(bytes)?));
        Ok(())
    }

    /// Makes a new key when it is time; the last ones still open what they sealed. To be called now and then.
    pub fn rotate(&self, now: Wall) {
        let ring = self.ring.load();
        if self.from_file || now.0.saturating_sub(ring.made.0) < ROTATE_US {
            return;
        }
        // Without randomness the old keys stay.
        let Ok(new) = Key::random() else { return };
        let kept = ring.keys.iter().take(KEPT).cloned();
        let keys = std::iter::once(Arc::new(new)).chain(kept).collect();
        self.ring.store(Arc::new(Ring { keys, made: now }));
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let ring = self.ring.load();
        let key = ring.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(context);
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        key.key.seal_in_place_append_tag(nonce_of, aad, &mut sealed).ok()?;
        Some([key.name.as_slice(), &nonce, &sealed].concat())
    }

    fn open(&self, context: &[u8], ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(NAME_BYTES)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let ring = self.ring.load();
        let key = ring.keys.iter().find(|key| key.name == *name)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = sealed.to_vec();
        let length = key.key.open_in_place(nonce, Aad::from(context), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

impl Ring {
    fn read(bytes: &[u8]) -> Result<Self, TlsConfigError> {
        let size = [80, 48].into_iter().find(|size| bytes.len().is_multiple_of(*size));
        let keys: Option<Vec<_>> = match size {
            Some(size) if !bytes.is_empty() => {
                bytes.chunks(size).map(|bytes| Key::derived(bytes).map(Arc::new)).collect()
            }
            _ => None,
        };
        let keys = keys.ok_or_else(|| {
            let message = format!("it holds {} bytes, which is no number of keys", bytes.len());
            TlsConfigError::new(message, "write keys of 80 bytes: openssl rand 80 > tickets.key")
        })?;
        Ok(Self { keys, made: Wall(0) })
    }
}

impl Key {
    fn random() -> Result<Self, TlsConfigError> {
        let mut bytes = [0; SEED_BYTES];
        let made = rand::fill(&mut bytes).ok().and_then(|()| Self::seeded(&bytes));
        made.ok_or_else(|| TlsConfigError::plain("the system has no randomness for ticket keys"))
    }

    /// A key that can be made again elsewhere.
    fn seeded(bytes: &[u8]) -> Option<Self> {
        let seed = bytes.try_into().ok()?;
        Some(Self { seed: Some(seed), ..Self::derived(bytes)? })
    }

    /// The name is the beginning; the key is made of all bytes.
    fn derived(bytes: &[u8]) -> Option<Self> {
        let name = *bytes.first_chunk()?;
        let key = UnboundKey::new(&AES_256_GCM, digest(&SHA256, bytes).as_ref()).ok()?;
        Some(Self { name, key: LessSafeKey::new(key), seed: None })
    }
}

/// The keys, for tickets that are good for one purpose only.
pub(crate) struct BoundTickets {
    keys: Arc<TicketKeys>,
    context: [u8; 32],
}

impl BoundTickets {
    pub(crate) fn new(keys: Arc<TicketKeys>, context: [u8; 32]) -> Self {
        Self { keys, context }
    }
}

impl ProducesTickets for BoundTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(&self.context, plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(&self.context, cipher)
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKeys({})", self.ring.load().keys.len())
    }
}

/// Never what the keys are.
impl fmt::Debug for TicketSeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketSeeds({})", self.bytes.len() / SEED_BYTES)
    }
}

impl fmt::Debug for BoundTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}

const NAME_BYTES: usize = 16;
/// What a random key is made of.
const SEED_BYTES: usize = 48;
/// How long a key seals.
const ROTATE_US: u64 = 12 * 3600 * 1_000_000;
/// How many keys before it still open.
const KEPT: usize = 2;
/// How long a client may use a ticket, in seconds: while its key is there in any case.
const LIFETIME_S: u32 = 24 * 3600;
