//! SIGINT and SIGTERM: the first one ends a run between two lines, the second
//! one at once.

use tokio::sync::mpsc::UnboundedReceiver;

/// What may interrupt a run.
pub enum Interrupts {
    /// Nothing.
    None,
    /// The signals of the process.
    Signals,
    /// What comes through this channel, for tests.
    Given(UnboundedReceiver<()>),
}

/// Watches for interrupts.
pub(super) enum Watch {
    None,
    #[cfg(unix)]
    Signals {
        interrupt: tokio::signal::unix::Signal,
        terminate: tokio::signal::unix::Signal,
    },
    Given(UnboundedReceiver<()>),
}

impl Watch {
    /// From now on signals no longer end the process, unless they come twice.
    pub(super) fn new(interrupts: Interrupts) -> Self {
        match interrupts {
            Interrupts::None => Self::None,
            Interrupts::Given(receiver) => Self::Given(receiver),
            Interrupts::Signals => Self::signals().unwrap_or(Self::None),
        }
    }

    #[cfg(unix)]
    fn signals() -> Option<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag::{register, register_conditional_default};
        use tokio::signal::unix::{SignalKind, signal};
        let came = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first one sets what the second one reads.
            register_conditional_default(number, came.clone()).ok()?;
            register(number, came.clone()).ok()?;
        }
        Some(Self::Signals {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    #[cfg(not(unix))]
    fn signals() -> Option<Self> {
        None
    }

    /// Ends when the run is interrupted.
    pub(super) async fn interrupted(&mut self) {
        match self {
            Self::None => std::future::pending().await,
            #[cfg(unix)]
            Self::Signals {
                interrupt,
                terminate,
            } => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            Self::Given(receiver) => {
                if receiver.recv().await.is_none() {
                    std::future::pending().await
                }
            }
        }
    }
}
