//! A small HTTP client for the orchestrator.

use crate::http::{read_head, Head, ReadError, Timed};
use crate::json::Json;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const CONNECT_TIME: Duration = Duration::from_secs(3);
const ANSWER_TIME: Duration = Duration::from_secs(15);
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, PartialEq)]
pub enum Error {
    /// No answer came, or it is no answer of an orchestrator.
    Unreachable(String),
    /// The answer is an error: its status and message.
    Refused(u16, String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Unreachable(why) => write!(f, "orchestrator not reachable: {why}"),
            Error::Refused(_, why) => f.write_str(why),
        }
    }
}

/// Checks a URL of the form `http://host[:port][/path]`; gives host:port and the path.
pub fn split_url(url: &str) -> Result<(String, &str), String> {
    let bad = |why| format!("bad URL '{url}': {why}");
    let rest = url.strip_prefix("http://").ok_or_else(|| bad("it must start with http://"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let name_and_port = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => Some((name, port)),
        _ => None,
    };
    let (name, port) = name_and_port.unwrap_or((host, "80"));
    let bad_name = name.is_empty() || name.contains(|c: char| c == '@' || !c.is_ascii_graphic());
    if bad_name || !path.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#') {
        return Err(bad("it must have the form http://host:port"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok((format!("{name}:{port}"), path.trim_end_matches('/'))),
        _ => Err(bad("the port is not a number from 1 to 65535")),
    }
}

/// Calls a JSON API; gives the answer when its status is 2xx.
pub fn call(method: &str, url: &str, path: &str, body: Option<&Json>) -> Result<Json, Error> {
    let (status, text) = send(method, url, path, body)
        .map_err(|why| Error::Unreachable(format!("{why} ({url})")))?;
    decode(status, &text)
        .ok_or_else(|| Error::Unreachable(format!("{url} does not answer as an orchestrator")))?
}

/// Reads an answer of the API; none when it is not JSON.
pub fn decode(status: u16, text: &str) -> Option<Result<Json, Error>> {
    let json = Json::parse(text).ok()?;
    if (200..300).contains(&status) {
        return Some(Ok(json));
    }
    match json.text("error") {
        "" => Some(Err(Error::Refused(status, format!("the orchestrator answered {status}")))),
        why => Some(Err(Error::Refused(status, why.to_string()))),
    }
}

/// Sends a request; gives the status and the body of the answer.
pub fn send(
    method: &str,
    url: &str,
    path: &str,
    body: Option<&Json>,
) -> Result<(u16, String), String> {
    let (host, prefix) = split_url(url)?;
    let body = body.map(Json::to_string).unwrap_or_default();
    // A request of HTTP/1.0 keeps proxies from answering in chunks.
    let request = format!(
        "{method} {prefix}{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut timed = Timed::new(connect(&host).map_err(|why| why.to_string())?, ANSWER_TIME);
    timed.write_all(request.as_bytes()).map_err(|why| why.to_string())?;
    read_answer(&mut timed)
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIME) {
            Ok(stream) => return Ok(stream),
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

fn read_answer(from: &mut impl Read) -> Result<(u16, String), String> {
    let (head, mut body) = read_head(from).map_err(|why| match why {
        ReadError::Io(why) => format!("no answer: {why}"),
        ReadError::HeadTooLarge => "the headers of the answer are too large".into(),
    })?;
    let head = Head::parse(&head)?;
    let status = head.first[1].parse().ok().filter(|_| head.first[0].starts_with("HTTP/1."));
    let status = status.ok_or("the answer is not HTTP")?;
    let wanted = head.length()?;
    let most = wanted.unwrap_or(MAX_ANSWER + 1).saturating_sub(body.len());
    if wanted.unwrap_or(0) > MAX_ANSWER {
        return Err("the answer is too large".into());
    }
    from.take(most as u64).read_to_end(&mut body).map_err(|why| why.to_string())?;
    match wanted {
        Some(length) if body.len() < length => return Err("the answer was cut off".into()),
        Some(length) => body.truncate(length),
        None if body.len() > MAX_ANSWER => return Err("the answer is too large".into()),
        None => {}
    }
    String::from_utf8(body).map(|text| (status, text)).map_err(|_| "the answer is not UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(split_url("http://a:1/"), Ok(("a:1".into(), "")));
        assert_eq!(split_url("http://a/b/"), Ok(("a:80".into(), "/b")));
        assert_eq!(split_url("http://[::1]:9/"), Ok(("[::1]:9".into(), "")));
        assert_eq!(split_url("http://[::1]"), Ok(("[::1]:80".into(), "")));
        for bad in
            ["", "https://a", "http://", "http://a:x", "http://a:0", "http://a b", "http://a/?q"]
        {
            assert!(split_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn answers() {
        let read = |text: &str| read_answer(&mut text.as_bytes());
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x"), Ok((200, "{}".into())));
        assert_eq!(read("HTTP/1.0 404 No\r\n\r\nrest"), Ok((404, "rest".into())));
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}").is_err());
        assert!(read("SMTP 200 OK\r\n\r\n").is_err() && read("").is_err());
    }

    #[test]
    fn refusals() {
        let refused = |status, why: &str| Some(Err(Error::Refused(status, why.into())));
        assert_eq!(decode(409, "{\"error\":\"taken\"}"), refused(409, "taken"));
        assert_eq!(decode(500, "{}"), refused(500, "the orchestrator answered 500"));
        assert_eq!(decode(200, "<html>"), None);
    }
}
