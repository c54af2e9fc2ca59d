//! CRC32C (Castagnoli) as RFC 4960 appendix B uses it: reflected, inverted at both ends.

/// The checksum of the concatenation of `parts`.
pub(super) fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let index = usize::from(crc as u8 ^ byte);
        (crc >> 8) ^ TABLE.get(index).copied().unwrap_or_default()
    };
    !parts.into_iter().flatten().fold(u32::MAX, step)
}

const fn entry(mut crc: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        bit += 1;
    }
    crc
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, where a panic stops the build"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index] = entry(index as u32);
        index += 1;
    }
    table
}

const POLYNOMIAL: u32 = 0x82f6_3b78;
static TABLE: [u32; 256] = table();
