//! Listeners, dialling, [`Io`], buffers and splice: all that touches sockets.
//!
//! The one crate of the data path where unsafe code may stand: a system call without a safe wrapper, in one line each.

mod buffers;
mod dial;
mod files;
mod inherit;
mod io;
mod listen;
mod pass;
mod splice;
mod stream;
mod udp;

pub use buffers::{BUFFER_BYTES, Buffers};
pub use dial::{DialTo, Dialling, Network, SystemNetwork, dial};
pub use files::{FilesKept, is_shortage};
pub use inherit::BoundSocket;
pub use io::{Io, Layer, Socket};
pub use listen::{Accepted, BindError, ListenAddress, ListenSocket, Listener};
pub use pass::{PASSED_MAX, pass, receive};
pub use splice::{Pipe, Pipes, Splice, SpliceError};
pub use stream::IoStream;
pub use udp::{Packets, UdpBuffer, UdpLink, UdpListenSocket, UdpListener, UdpPath};
