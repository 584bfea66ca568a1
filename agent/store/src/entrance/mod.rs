//! The two ways into a store.

mod process;
mod tcp;

pub(crate) use self::process::InProcess;
pub use self::tcp::Server;
pub(crate) use self::tcp::serve;
