//! The page.

use provisioning_shared::json::Json;
use provisioning_shared::VERSION;

const STYLE: &str = "body{font:16px sans-serif;margin:2em;max-width:60em}\
table{border-collapse:collapse;margin-bottom:2em}\
th,td{border:1px solid #999;padding:.3em .8em;text-align:left}.bad{color:#a00}";

/// Makes a text safe inside HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A table of records: one column for each key.
fn table(title: &str, records: &[Json], keys: &[&str]) -> String {
    if records.is_empty() {
        return format!("<h2>{title}</h2>\n<p>none</p>\n");
    }
    let mut html = format!("<h2>{title}</h2>\n<table>\n<tr>");
    for key in keys {
        html.push_str(&format!("<th>{key}</th>"));
    }
    html.push_str("</tr>\n");
    for record in records {
        html.push_str("<tr>");
        for key in keys {
            let cell = match record.get(key) {
                Some(Json::Arr(_)) => record.joined(key, ", "),
                _ => record.text(key).to_string(),
            };
            html.push_str(&format!("<td>{}</td>", escape(&cell)));
        }
        html.push_str("</tr>\n");
    }
    html + "</table>\n"
}

/// The page of a state.
pub fn render(status: &Json) -> String {
    let url = escape(status.text("orchestrator"));
    let body = if status.get("reachable") == Some(&Json::Bool(true)) {
        format!(
            "<p>Orchestrator {url}: {}, version {}</p>\n{}{}{}",
            escape(status.text("health")),
            escape(status.text("version")),
            table("Servers", status.list("servers"), &["name", "provider", "plan", "created"]),
            table(
                "Clusters",
                status.list("clusters"),
                &["name", "servers", "taskservs", "workflow"]
            ),
            table("Workflows", status.list("workflows"), &["id", "name", "status", "steps"]),
        )
    } else {
        let why = escape(status.text("error"));
        format!("<p class=\"bad\">orchestrator not reachable</p>\n<p>{url}: {why}</p>\n")
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Provisioning</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Provisioning</h1>\n{body}<p><small>control center {VERSION}</small></p>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_the_orchestrator_says() {
        let status = r#"{"orchestrator":"http://x/<b>","reachable":true,"health":"ok","version":"<i>",
            "servers":[{"name":"<script>alert('1')</script>","plan":"a&\"b"}],
            "clusters":[{"name":"c","servers":["x","<y>"]}]}"#;
        let html = render(&Json::parse(status).unwrap());
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{html}");
        assert!(html.contains("a&amp;&quot;b") && html.contains("x, &lt;y&gt;"), "{html}");
        assert!(
            !html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"),
            "{html}"
        );
    }

    #[test]
    fn says_when_the_orchestrator_is_away() {
        let html = render(&Json::parse(r#"{"reachable":false,"error":"<no>"}"#).unwrap());
        assert!(
            html.contains("orchestrator not reachable") && html.contains("&lt;no&gt;"),
            "{html}"
        );
    }
}
