//! The messages: reading them, answering them, and the errors of JSON-RPC.

use crate::tools;
use provisioning_shared::json::{object, Json};
use provisioning_shared::VERSION;
use std::io::{self, BufRead, Read, Write};

/// The versions of MCP this server speaks, the newest first.
const PROTOCOLS: [&str; 2] = ["2025-06-18", "2024-11-05"];
const MAX_LINE: usize = 1024 * 1024;

/// An error of JSON-RPC: code and message.
pub type Error = (i64, String);

/// The text is not JSON.
const PARSE_ERROR: i64 = -32700;
/// The JSON is not a request.
const INVALID_REQUEST: i64 = -32600;
/// The method is not known.
const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters are wrong.
pub const INVALID_PARAMS: i64 = -32602;

/// Answers messages until the input ends.
pub fn serve(input: &mut impl BufRead, output: &mut impl Write, url: &str) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let reply = if line.len() > MAX_LINE && line.last() != Some(&b'\n') {
            skip_line(input)?;
            Some(failure(Json::Null, INVALID_REQUEST, "the message is too large"))
        } else if line.iter().all(u8::is_ascii_whitespace) {
            None
        } else {
            answer(&line, url)
        };
        if let Some(reply) = reply {
            writeln!(output, "{reply}")?;
            output.flush()?;
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let data = input.fill_buf()?;
        let end = data.iter().position(|byte| *byte == b'\n');
        let (used, done) =
            (end.map_or(data.len(), |end| end + 1), end.is_some() || data.is_empty());
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn failure(id: Json, code: i64, message: &str) -> Json {
    let error = object([("code", code.into()), ("message", message.into())]);
    object([("jsonrpc", "2.0".into()), ("id", id), ("error", error)])
}

/// Answers one message; a notification gets no answer.
fn answer(line: &[u8], url: &str) -> Option<Json> {
    let text = std::str::from_utf8(line).map_err(|_| "the message is not UTF-8".to_string());
    let message = match text.and_then(Json::parse) {
        Ok(message) => message,
        Err(why) => return Some(failure(Json::Null, PARSE_ERROR, &why)),
    };
    let id = message.get("id").cloned();
    let known_id = match &id {
        Some(id @ (Json::Str(_) | Json::Num(_))) => id.clone(),
        _ => Json::Null,
    };
    let method = message.get("method").and_then(Json::as_str);
    let bad_id = id.is_some() && known_id == Json::Null;
    let (Some(method), false) = (method.filter(|_| message.text("jsonrpc") == "2.0"), bad_id)
    else {
        return Some(failure(known_id, INVALID_REQUEST, "this is not a JSON-RPC 2.0 request"));
    };
    id?;
    let reply = match call(method, message.get("params"), url) {
        Ok(result) => object([("jsonrpc", "2.0".into()), ("id", known_id), ("result", result)]),
        Err((code, why)) => failure(known_id, code, &why),
    };
    Some(reply)
}

fn call(method: &str, params: Option<&Json>, url: &str) -> Result<Json, Error> {
    let params = match params {
        None => &Json::Obj(vec![]),
        Some(params @ Json::Obj(_)) => params,
        Some(_) => return Err((INVALID_PARAMS, "'params' must be an object".into())),
    };
    match method {
        "initialize" => initialize(params),
        "ping" => Ok(object([])),
        "tools/list" => Ok(object([("tools", tools::list())])),
        "tools/call" => tools::call(params, url),
        _ => Err((METHOD_NOT_FOUND, format!("the method '{method}' is not known"))),
    }
}

fn initialize(params: &Json) -> Result<Json, Error> {
    let Some(wanted) = params.get("protocolVersion").and_then(Json::as_str) else {
        return Err((INVALID_PARAMS, "'protocolVersion' is missing".into()));
    };
    let version = PROTOCOLS.into_iter().find(|known| *known == wanted).unwrap_or(PROTOCOLS[0]);
    let info = object([("name", "provisioning-mcp-server".into()), ("version", VERSION.into())]);
    Ok(object([
        ("protocolVersion", version.into()),
        ("capabilities", object([("tools", object([]))])),
        ("serverInfo", info),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers to some lines, with an orchestrator that is not there.
    fn talk(lines: &str) -> Vec<Json> {
        let mut output = Vec::new();
        serve(&mut lines.as_bytes(), &mut output, "http://127.0.0.1:1").unwrap();
        let text = String::from_utf8(output).unwrap();
        text.lines().map(|line| Json::parse(line).unwrap()).collect()
    }

    fn code(line: &str) -> String {
        let replies = talk(line);
        assert_eq!(replies.len(), 1, "{line}");
        replies[0].get("error").and_then(|e| e.get("code")).map(Json::to_string).unwrap_or_default()
    }

    #[test]
    fn a_session() {
        let replies = talk(concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}"#,
            "\n\n",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "\r\n",
            r#"{"jsonrpc":"2.0","id":"two","method":"ping"}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#,
        ));
        assert_eq!(replies.len(), 3);
        assert_eq!(replies[0].get("result").unwrap().text("protocolVersion"), "2024-11-05");
        assert_eq!(replies[1].to_string(), r#"{"jsonrpc":"2.0","id":"two","result":{}}"#);
        assert_eq!(replies[2].get("result").unwrap().list("tools").len(), 8);
    }

    #[test]
    fn errors() {
        assert_eq!(code("{"), "-32700");
        for line in [
            "[]",
            "1",
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":2}"#,
        ] {
            assert_eq!(code(line), "-32600", "{line}");
        }
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#), "-32601");
        for params in [
            "[]",
            r#"{"name":"nope"}"#,
            "{}",
            r#"{"name":"server_create"}"#,
            r#"{"name":"server_create","arguments":{"name":1}}"#,
            r#"{"name":"health","arguments":[]}"#,
            r#"{"name":"cluster_create","arguments":{"name":"a","servers":[1]}}"#,
        ] {
            let line =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
            assert_eq!(code(&line), "-32602", "{line}");
        }
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#), "-32602");
        assert_eq!(code(&"x".repeat(MAX_LINE + 9)), "-32600");
        assert_eq!(talk(&format!("{}\n{{\n", "x".repeat(MAX_LINE + 9))).len(), 2);
    }

    #[test]
    fn an_orchestrator_that_is_away_is_a_failed_tool() {
        let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"health"}}"#;
        let reply = talk(line).remove(0);
        let result = reply.get("result").unwrap();
        assert_eq!(result.get("isError"), Some(&Json::Bool(true)));
        assert!(result.list("content")[0].text("text").contains("not reachable"));
    }
}
