//! HTTP/1.1 messages, as far as the server and the client need them.

use crate::json::{object, Json};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The most bytes the first line and the headers may take.
pub const MAX_HEAD: usize = 16 * 1024;

/// A request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// GET, POST and so on.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The methods a path knows, for status 405.
    pub allow: &'static str,
}

impl Response {
    /// A JSON response.
    pub fn json(status: u16, body: &Json) -> Self {
        let body = format!("{body}\n");
        Response { status, content_type: "application/json", body, allow: "" }
    }

    /// An error as JSON: `{"error": message}`.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &object([("error", message.into())]))
    }

    /// Status 405 with the methods the path knows.
    pub fn not_allowed(allow: &'static str) -> Self {
        Response { allow, ..Self::error(405, &format!("method not allowed; use {allow}")) }
    }

    /// A page.
    pub fn html(body: String) -> Self {
        Response { status: 200, content_type: "text/html; charset=utf-8", body, allow: "" }
    }

    /// Writes the response; `with_body` is false in answer to HEAD.
    pub fn write(&self, to: &mut impl Write, with_body: bool) -> io::Result<()> {
        let (status, reason) = (self.status, reason(self.status));
        let mut text = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Connection: close\r\nX-Content-Type-Options: nosniff\r\n",
            self.content_type,
            self.body.len()
        );
        if !self.allow.is_empty() {
            text.push_str(&format!("Allow: {}\r\n", self.allow));
        }
        text.push_str("\r\n");
        text.push_str(if with_body { &self.body } else { "" });
        to.write_all(text.as_bytes())
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

/// The first line and the headers of a message.
#[derive(Debug, Default, PartialEq)]
pub struct Head {
    /// The three words of the first line.
    pub first: [String; 3],
    headers: Vec<(String, String)>,
}

impl Head {
    /// Parses the text up to, without, the blank line.
    pub fn parse(text: &[u8]) -> Result<Head, String> {
        let text = std::str::from_utf8(text).map_err(|_| "the headers are not valid UTF-8")?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or("").splitn(3, ' ').map(str::to_string);
        let mut word = || words.next().filter(|word| !word.is_empty());
        let (Some(a), Some(b)) = (word(), word()) else { return Err("bad first line".into()) };
        let mut head = Head { first: [a, b, word().unwrap_or_default()], headers: vec![] };
        for line in lines {
            let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err("bad name of a header".into());
            }
            head.headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
        Ok(head)
    }

    /// The value of a header; the name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    /// The length of the body the headers announce.
    pub fn length(&self) -> Result<Option<usize>, String> {
        let mut values = self.headers.iter().filter(|header| header.0 == "content-length");
        let Some((_, first)) = values.next() else { return Ok(None) };
        if first.is_empty() || !first.bytes().all(|b| b.is_ascii_digit()) {
            return Err("bad Content-Length".into());
        }
        if values.any(|(_, other)| other != first) {
            return Err("two different Content-Length headers".into());
        }
        Ok(Some(first.parse().unwrap_or(usize::MAX)))
    }
}

/// Why a message could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The connection failed or ended.
    Io(io::Error),
    /// The headers are larger than [`MAX_HEAD`].
    HeadTooLarge,
}

impl From<io::Error> for ReadError {
    fn from(why: io::Error) -> Self {
        ReadError::Io(why)
    }
}

/// Reads up to the blank line. Gives the head, and what was read of the body.
pub fn read_head(from: &mut impl Read) -> Result<(Vec<u8>, Vec<u8>), ReadError> {
    let (mut data, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let search_from = data.len().saturating_sub(3);
        data.extend_from_slice(&chunk[..count]);
        let end = data[search_from..].windows(4).position(|window| window == b"\r\n\r\n");
        match end.map(|end| end + search_from) {
            Some(end) if end <= MAX_HEAD => {
                let body = data.split_off(end + 4);
                data.truncate(end);
                return Ok((data, body));
            }
            None if data.len() <= MAX_HEAD => {}
            _ => return Err(ReadError::HeadTooLarge),
        }
    }
}

/// A connection that must be done by a deadline.
pub struct Timed {
    /// The connection.
    pub stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    /// Gives a connection some time, from now.
    pub fn new(stream: TcpStream, time: Duration) -> Self {
        Timed { stream, deadline: Instant::now() + time }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // macOS refuses this on a closed connection, where reading does not wait anyway.
        let _ = self.stream.set_read_timeout(self.left()?);
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let _ = self.stream.set_write_timeout(self.left()?);
        self.stream.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_head() {
        let head = Head::parse(b"GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nE:");
        let head = head.unwrap();
        assert_eq!(head.first, ["GET", "/x", "HTTP/1.1"]);
        assert_eq!((head.header("host"), head.header("e")), (Some("a"), Some("")));
        assert_eq!(head.length(), Ok(Some(3)));
        assert_eq!(Head::parse(b"HTTP/1.1 404 Not Found").unwrap().first[2], "Not Found");
    }

    #[test]
    fn refuses_a_bad_head() {
        for bad in ["", "GET", "GET  HTTP/1.1", "GET / HTTP/1.1\r\nno colon", "GET / H\r\nA : x"] {
            assert!(Head::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Head::parse(b"GET /\xff HTTP/1.1").is_err());
        for bad in ["-1", "x", "", "1\r\nContent-Length: 2"] {
            let text = format!("GET / H\r\nContent-Length: {bad}");
            assert!(Head::parse(text.as_bytes()).unwrap().length().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reads_a_head_and_its_limit() {
        let (head, body) = read_head(&mut &b"GET / HTTP/1.1\r\nA: b\r\n\r\nbody"[..]).unwrap();
        assert_eq!(
            (head.as_slice(), body.as_slice()),
            (&b"GET / HTTP/1.1\r\nA: b"[..], &b"body"[..])
        );
        let large = vec![b'x'; MAX_HEAD + 5000];
        assert!(matches!(read_head(&mut &large[..]), Err(ReadError::HeadTooLarge)));
        assert!(matches!(read_head(&mut &b"GET /"[..]), Err(ReadError::Io(_))));
    }

    #[test]
    fn writes_a_response() {
        let mut written = Vec::new();
        Response::not_allowed("GET").write(&mut written, true).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{text}");
        assert!(text.contains("\r\nAllow: GET\r\n\r\n{\"error\":"), "{text}");
    }
}
