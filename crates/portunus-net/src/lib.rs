//! Listeners, dialling, [`Io`], buffers and splice: all that touches sockets.
//!
//! If the data path ever needs unsafe code, this is the one crate where it may stand; so far every system call
//! that it makes has a safe wrapper.

mod buffers;
mod dial;
mod inherit;
mod io;
mod listen;
mod splice;
mod stream;
mod udp;

pub use buffers::{BUFFER_BYTES, Buffers};
pub use dial::{DialTo, dial};
pub use inherit::BoundSocket;
pub use io::{Io, Layer, Socket};
pub use listen::{Accepted, BindError, ListenAddress, ListenSocket, Listener};
pub use splice::{Pipe, Pipes, Splice, SpliceError};
pub use stream::IoStream;
pub use udp::{Packets, UdpBuffer, UdpLink, UdpListenSocket, UdpListener, UdpPath};
