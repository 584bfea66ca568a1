//! What goes over the wire, read by a server that knows nothing of S3.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use weir_journey::upload::{Cause, Transport, Verdict};

use super::bench::{Bench, Image, config, noise};
use crate::clock::Clock;
use crate::s3::{SendError, Store, https_client};

type Heads = Arc<Mutex<Vec<String>>>;

/// Serves `answer` to every request but HEAD, which gets `head`; keeps the heads of the requests.
async fn server(head: &'static str, answer: String) -> (String, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heads = Heads::default();
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, head, answer.clone(), Arc::clone(&kept)));
        }
    });
    (endpoint, heads)
}

async fn talk(
    stream: TcpStream,
    head: &'static str,
    answer: String,
    heads: Heads,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if stream.read_line(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let length = header(&request, "content-length").map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = if request.starts_with("HEAD") {
            head
        } else {
            &answer
        };
        heads.lock().unwrap().push(request);
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

async fn image(bench: &Bench) -> Image {
    bench.image("a.jpg", &noise(600_000, 1))
}

#[tokio::test]
async fn a_put_is_signed_with_the_accepted_digest_and_streamed_as_it_is() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let image = image(&bench).await;
    let checksum = image.sha256.base64();
    let stored = format!(
        "HTTP/1.1 200 OK\r\netag: \"x\"\r\nx-amz-checksum-sha256: {checksum}\r\ncontent-length: 0\r\n\r\n"
    );
    let (endpoint, heads) = server(
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        stored,
    )
    .await;
    let config = config(bench.dir.path(), endpoint);
    let store = Store::connect(&config, https_client(None).unwrap(), Clock::system());
    store.deliver(&image.parcel(false)).await.unwrap();
    let heads = heads.lock().unwrap();
    let put = heads.iter().find(|head| head.starts_with("PUT")).unwrap();
    let has = |name| header(put, name);
    assert_eq!(
        has("x-amz-content-sha256"),
        Some(image.sha256.to_string().as_str())
    );
    assert_eq!(has("x-amz-checksum-sha256"), Some(checksum.as_str()));
    assert_eq!(has("content-length"), Some("600000"));
    assert_eq!(has("content-type"), Some("image/jpeg"));
    assert_eq!(has("if-none-match"), Some("*"));
    assert_eq!(has("x-amz-meta-site"), Some("first-dam"));
    for unwanted in [
        "transfer-encoding",
        "content-encoding",
        "x-amz-trailer",
        "x-amz-checksum-crc32",
    ] {
        assert_eq!(has(unwanted), None, "{put}");
    }
    // The image, and once more to find out about conditional writes.
    assert_eq!(image.sent.load(Ordering::Relaxed), 2 * 600_000);
}

#[tokio::test]
async fn a_login_page_that_answers_for_the_store_is_a_broken_link() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let image = image(&bench).await;
    for (status, head) in [
        (
            "200 OK",
            "HTTP/1.1 200 OK\r\ncontent-length: 600000\r\n\r\n",
        ),
        (
            "200 OK",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "403 Forbidden",
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        ),
    ] {
        let page = "<html>Welcome to the campground</html>";
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}",
            page.len()
        );
        let (endpoint, _) = server(head, answer).await;
        let config = config(bench.dir.path(), endpoint);
        let store = Store::connect(&config, https_client(None).unwrap(), Clock::system());
        match store.deliver(&image.parcel(false)).await {
            Err(SendError::Store(failure)) => {
                assert_eq!(
                    failure.answer.transport,
                    Some(Transport::Garbled),
                    "{failure}"
                );
                assert!(matches!(
                    failure.verdict(),
                    Verdict::Retry {
                        cause: Cause::Link,
                        ..
                    }
                ));
            }
            Err(SendError::Unproven { .. }) => {}
            other => panic!("{status}: {other:?}"),
        }
    }
}
