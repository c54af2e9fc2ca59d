//! Files that one process gives to another, over a Unix socket (`unix(7)`, SCM_RIGHTS).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sends up to [`PASSED_MAX`] files in one message. The receiver gets handles of its own.
///
/// # Errors
/// `WouldBlock` where a socket that does not block is full; nobody is at the other end; too many files.
pub fn pass(over: impl AsFd, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); SPACE_BYTES];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if files.len() > PASSED_MAX || !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(over, &[IoSlice::new(&MARK)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives the files of one message of [`pass`]. No program that is started gets them.
///
/// # Errors
/// `UnexpectedEof` where the other end has gone; else what the system says.
pub fn receive(over: impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); SPACE_BYTES];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut mark = MARK;
    let flags = RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(over, &mut [IoSliceMut::new(&mut mark)], &mut ancillary, flags)?;
    if message.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let rights = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok(rights.flatten().collect())
}

/// The most files of one message: below the 253 of the kernel.
pub const PASSED_MAX: usize = 64;
const SPACE_BYTES: usize = rustix::cmsg_space!(ScmRights(PASSED_MAX));
/// Files travel with one byte at least.
const MARK: [u8; 1] = [b'f'];

#[cfg(test)]
mod tests;
