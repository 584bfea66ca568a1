//! The process that looks at images, from the agent's side: started when there is work, ended when there is none.
//!
//! It is this very program (`weir infer-worker`), of the same version even while another one is being installed. A job
//! goes to its standard input as a line of JSON, the answer comes from its standard output as another. Its standard
//! error is kept for the case that it dies. It gets none of the agent's environment, which may hold keys of the store.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use weir_journey::infer::{Answer, Job};

use super::{Died, Seer};

/// The longest answer that is read: a report with many regions and labels is some KiB.
const LONGEST_ANSWER: u64 = 4 << 20;
/// How much of what the process says about itself is kept.
const KEPT: usize = 2000;
/// How much of that is told.
const TOLD: usize = 400;
/// How long a process whose pipe is closed gets to be gone, before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// A process that looks at images, one at a time.
#[derive(Debug)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
    deadline: Duration,
    pub(super) running: tokio::sync::Mutex<Option<Running>>,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    said: Arc<Mutex<VecDeque<u8>>>,
    listening: JoinHandle<()>,
}

impl Worker {
    /// A process of `program`, not started yet, that gets `deadline` for an image.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        deadline: Duration,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            deadline,
            running: tokio::sync::Mutex::default(),
        }
    }

    fn start(&self) -> Result<Running, Died> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(Died::NotStarted)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(to), Some(from), Some(errors)) = pipes else {
            return Err(Died::NotStarted(std::io::ErrorKind::BrokenPipe.into()));
        };
        let said: Arc<Mutex<VecDeque<u8>>> = Arc::default();
        Ok(Running {
            listening: tokio::spawn(listen(errors, Arc::clone(&said))),
            child,
            to,
            from: BufReader::new(from),
            said,
        })
    }
}

#[async_trait::async_trait]
impl Seer for Worker {
    async fn look(&self, job: &Job) -> Result<Answer, Died> {
        let mut slot = self.running.lock().await;
        // Out of its place while it works: dropped in the middle, it is killed and not asked again.
        let mut running = match slot.take().and_then(Running::if_alive) {
            Some(running) => running,
            None => self.start()?,
        };
        match timeout(self.deadline, running.ask(job)).await {
            Ok(Some(line)) => match serde_json::from_slice(&line) {
                Ok(answer) => {
                    *slot = Some(running);
                    Ok(answer)
                }
                Err(_) => Err(Died::Garbled(one_line(&line))),
            },
            Ok(None) => Err(running.end().await),
            Err(_) => Err(Died::Deadline(self.deadline)),
        }
    }

    async fn rest(&self) {
        let running = self.running.lock().await.take();
        if let Some(running) = running {
            running.end().await;
        }
    }
}

impl Running {
    /// Itself, while it lives. One that ended while nobody asked it anything (killed for want of memory, say) is no
    /// image's fault.
    fn if_alive(mut self) -> Option<Self> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    /// The line that answers a job; `None` when there is none to come.
    async fn ask(&mut self, job: &Job) -> Option<Vec<u8>> {
        let mut line = serde_json::to_vec(job).ok()?;
        line.push(b'\n');
        self.to.write_all(&line).await.ok()?;
        self.to.flush().await.ok()?;
        let mut answer = Vec::new();
        let mut from = (&mut self.from).take(LONGEST_ANSWER);
        from.read_until(b'\n', &mut answer).await.ok()?;
        (answer.last() == Some(&b'\n')).then_some(answer)
    }

    /// Waits for its end, which a closed pipe brings about where it has not come already; says how it ended.
    async fn end(self) -> Died {
        let Self {
            mut child,
            to,
            from,
            said,
            listening,
        } = self;
        drop((to, from));
        let ended = timeout(FAREWELL, child.wait()).await;
        let how = match ended {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                // It has closed its output and goes on: nothing is to be had from it any more.
                let _ = child.kill().await;
                "it did not answer any more, and was killed".to_owned()
            }
        };
        let _ = timeout(FAREWELL, listening).await;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let last: Vec<u8> = said.iter().copied().collect();
        Died::Ended {
            how,
            last: one_line(&last),
        }
    }
}

/// Keeps the last of what a process says about itself.
async fn listen(mut errors: impl AsyncRead + Unpin, said: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = errors.read(&mut buffer).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(&buffer[..count]);
        let over = said.len().saturating_sub(KEPT);
        said.drain(..over);
    }
}

/// The end of a text as one short line.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let over = line.chars().count().saturating_sub(TOLD);
    line.chars().skip(over).collect()
}
