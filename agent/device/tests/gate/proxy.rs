//! A judge between the agents and their store: it passes requests on as they are, slows the bodies of image PUTs, and
//! knows which bucket has one under way.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two pieces of a slowed body.
const BEAT: Duration = Duration::from_millis(50);

/// One PUT of an image, as it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) began: Instant,
    pub(crate) ended: Option<Instant>,
    /// The store's answer; `None` for a PUT that broke off.
    pub(crate) status: Option<u16>,
    /// Bytes of its body so far.
    pub(crate) bytes: usize,
}

/// The proxy; it runs until the test's process ends.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    puts: Arc<Mutex<Vec<Put>>>,
}

impl Proxy {
    /// Passes on to `upstream` (`http://host:port`), bodies of images at `rate` bytes a second.
    pub(crate) fn start(upstream: &str, rate: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let puts = Arc::<Mutex<Vec<Put>>>::default();
        let seen = Arc::clone(&puts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, seen) = (upstream.clone(), Arc::clone(&seen));
                std::thread::spawn(move || {
                    // Clients are killed in the middle: that is what this is for.
                    let _ = serve(client, &upstream, rate, &seen);
                });
            }
        });
        Self { endpoint, puts }
    }

    /// Every PUT of an image so far.
    pub(crate) fn puts(&self) -> Vec<Put> {
        lock(&self.puts).clone()
    }
}

fn lock(puts: &Mutex<Vec<Put>>) -> MutexGuard<'_, Vec<Put>> {
    puts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A PUT under way; ends when it is dropped.
struct Running<'a> {
    puts: &'a Mutex<Vec<Put>>,
    number: usize,
}

impl<'a> Running<'a> {
    fn begin(puts: &'a Mutex<Vec<Put>>, bucket: &str) -> Self {
        let mut all = lock(puts);
        all.push(Put {
            bucket: bucket.to_owned(),
            began: Instant::now(),
            ended: None,
            status: None,
            bytes: 0,
        });
        let number = all.len() - 1;
        drop(all);
        Self { puts, number }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(self.puts)[self.number].ended = Some(Instant::now());
    }
}

/// The head of a request or an answer.
struct Head {
    text: Vec<u8>,
    first: String,
    fields: BTreeMap<String, String>,
}

impl Head {
    fn read(from: &mut impl io::BufRead) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        let mut lines = Vec::new();
        loop {
            let begin = text.len();
            if from.read_until(b'\n', &mut text)? == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&text[begin..]).trim().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let fields = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Ok(Some(Self {
            fields: fields.collect(),
            first: lines.first().cloned().unwrap_or_default(),
            text,
        }))
    }

    fn length(&self) -> Option<usize> {
        self.fields.get("content-length")?.parse().ok()
    }

    fn is_chunked(&self) -> bool {
        self.fields
            .get("transfer-encoding")
            .is_some_and(|coding| coding == "chunked")
    }
}

fn serve(client: TcpStream, upstream: &str, rate: usize, puts: &Mutex<Vec<Put>>) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut client, mut server) = (
        BufReader::with_capacity(8192, client),
        BufReader::new(server),
    );
    while let Some(request) = Head::read(&mut client)? {
        let (method, path) = request.first.split_once(' ').unwrap_or_default();
        let bucket = path
            .trim_start_matches('/')
            .split(['/', '?', ' '])
            .next()
            .unwrap_or_default();
        let running =
            (method == "PUT" && bucket.ends_with("-image")).then(|| Running::begin(puts, bucket));
        to_server.write_all(&request.text)?;
        send_body(
            &mut client,
            &mut to_server,
            request.length().unwrap_or(0),
            rate,
            running.as_ref(),
        )?;
        let Some(answer) = Head::read(&mut server)? else {
            return Ok(());
        };
        let status = answer
            .first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        if let Some(running) = &running {
            lock(puts)[running.number].status = status;
        }
        // It is over when the store says so, whether or not the client still listens.
        drop(running);
        to_client.write_all(&answer.text)?;
        if method != "HEAD" && !matches!(status, Some(204 | 304)) {
            if answer.is_chunked() {
                copy_chunks(&mut server, &mut to_client)?;
            } else {
                io::copy(
                    &mut server.by_ref().take(answer.length().unwrap_or(0) as u64),
                    &mut to_client,
                )?;
            }
        }
    }
    Ok(())
}

fn send_body(
    from: &mut impl Read,
    to: &mut impl Write,
    length: usize,
    rate: usize,
    running: Option<&Running<'_>>,
) -> io::Result<()> {
    let mut left = length;
    let most = match running {
        Some(_) => rate / 20,
        None => 8192,
    };
    let mut piece = vec![0; most];
    while left > 0 {
        let read = from.read(&mut piece[..most.min(left)])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&piece[..read])?;
        left -= read;
        if let Some(running) = running {
            lock(running.puts)[running.number].bytes += read;
            std::thread::sleep(BEAT.mul_f64(read as f64 / most as f64));
        }
    }
    Ok(())
}

fn copy_chunks(from: &mut impl io::BufRead, to: &mut impl Write) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line);
        let size = u64::from_str_radix(text.trim(), 16).map_err(io::Error::other)?;
        io::copy(&mut from.by_ref().take(size + 2), to)?;
        if size == 0 {
            return Ok(());
        }
    }
}
