//! How bytes become statements, as nginx reads them.

use nginx_lint::source::SourceFile;
use nginx_lint::syntax::{Ending, MOST_PROBLEMS, ParsedFile, ProblemKind};

fn parse(text: impl AsRef<[u8]>) -> ParsedFile {
    ParsedFile::new(SourceFile::new("nginx.conf", text.as_ref().to_vec()))
}

/// Words and ending of every statement, in order.
fn statements(file: &ParsedFile) -> Vec<String> {
    (0..file.syntax.statements.len() as u32)
        .map(|id| {
            let words: Vec<&str> = file.words(id).iter().map(|word| file.value(word)).collect();
            let ending = match file.statement(id).ending {
                Ending::Semicolon => ";",
                Ending::Block => "{",
                Ending::Lua => "{lua}",
                Ending::Missing => "?",
            };
            format!("{}{ending}", words.join("|"))
        })
        .collect()
}

#[test]
fn words_and_statements() {
    let table: [(&str, &[&str]); 24] = [
        ("", &[]),
        ("# only a comment", &[]),
        ("daemon\non\noff\n;", &["daemon|on|off;"]),
        ("location \"/a\"{}", &["location|/a{"]),
        ("\"return\" 200;", &["return|200;"]),
        ("return 200 a\"b\";", &["return|200|a\"b\";"]),
        ("return 200 it's;", &["return|200|it's;"]),
        ("return 200 a#b;", &["return|200|a#b;"]),
        ("return 200 a\"b c\";", &["return|200|a\"b|c\";"]),
        ("return 200}\n;", &["return|200};"]),
        (r"location ~ ^/a\{2\}$ {}", &[r"location|~|^/a\{2\}${"]),
        ("location ~ \"^/a{2}$\" {}", &["location|~|^/a{2}${"]),
        ("return 200 ${host}x;", &["return|200|${host}x;"]),
        ("return 200 $${{a;", &["return|200|$${{a;"]),
        (r"return 200 a\ b;", &[r"return|200|a\ b;"]),
        (r"return 200 a\;b;", &[r"return|200|a\;b;"]),
        (r#"return 200 "a\"b\\c\d";"#, &[r#"return|200|a"b\c\d;"#]),
        ("if ($a = \"b\") {}", &["if|($a|=|b|){"]),
        ("if ($a = \"b\"){}", &["if|($a|=|b|){"]),
        ("listen 80;\r\nlisten 81;\r\n", &["listen|80;", "listen|81;"]),
        ("listen 80;\rlisten 81;\r", &["listen|80;", "listen|81;"]),
        ("return 200 'a\nb';", &["return|200|a\nb;"]),
        ("listen\u{a0}80;", &["listen\u{a0}80;"]),
        ("\u{feff}listen 80;", &["listen|80;"]),
    ];
    for (text, expected) in table {
        let file = parse(text);
        assert_eq!(statements(&file), expected, "{text:?}");
        assert_eq!(file.syntax.problems, [], "{text:?}");
    }
}

#[test]
fn blocks_know_their_parents_and_their_ends() {
    let file = parse("http { server { listen 80; } gzip on; } events {}");
    let shape: Vec<(u32, u32)> = file.syntax.statements.iter().map(|s| (s.parent, s.next)).collect();
    let top = u32::MAX;
    assert_eq!(shape, [(top, 4), (0, 3), (1, 3), (0, 4), (top, 5)]);
    assert_eq!(file.source.slice(file.whole_span(1)), "server { listen 80; }");
}

#[test]
fn lua_code_is_skipped_as_the_lua_module_does() {
    let bodies = [
        "",
        " ngx.say('}') ",
        " ngx.say(\"}\\\"}\") ",
        " -- a comment with }\n",
        " --[[ } \n } ]] ",
        " x = [==[ } ]] } ]==] ",
        " local t = { a = { 1 } } ",
        " # ; $ are text ",
        " -- it's\n",
        " x = t[1] y = {} ",
    ];
    for body in bodies {
        let text = format!("location / {{ content_by_lua_block {{{body}}} gzip on; }}");
        let file = parse(&text);
        assert_eq!(statements(&file), ["location|/{", "content_by_lua_block{lua}", "gzip|on;"], "{text}");
        assert_eq!(file.syntax.problems, [], "{text}");
    }
    let long = format!("init_by_lua_block {{ {} }} gzip on;", "x = { 1 } -- }\n".repeat(20_000));
    assert_eq!(statements(&parse(long)), ["init_by_lua_block{lua}", "gzip|on;"]);
}

#[test]
fn a_token_across_the_pieces_that_are_read_is_whole() {
    let value = "v".repeat(4_000);
    let text = format!("set $a {value};\n# {}\nset $b \"{value}\";\n", "c".repeat(4_000)).repeat(200);
    let file = parse(&text);
    assert_eq!(file.syntax.problems, []);
    assert_eq!(file.syntax.statements.len(), 400);
    assert_eq!(file.syntax.comments.len(), 200);
    assert!((0..400).all(|id| file.value(&file.words(id)[2]) == value));
}

/// Kind, line to mend, line nginx names, what nginx says.
type Expected = (&'static str, u32, u32, &'static str);

#[test]
fn problems_are_placed_where_they_are_to_be_mended() {
    let eof = "unexpected end of file, expecting \"}\"";
    let eof_either = "unexpected end of file, expecting \";\" or \"}\"";
    let table: [(&str, &[Expected]); 17] = [
        ("a b\n}\n", &[("UnopenedBlock", 2, 2, "unexpected \"}\"")]),
        ("h {\n a b\n}\n", &[("MissingSemicolon", 2, 3, "unexpected \"}\"")]),
        ("h {\n a \"b\"}\n", &[("MissingSemicolon", 2, 2, "unexpected \"}\"")]),
        ("a b\n\n", &[("MissingSemicolon", 1, 3, eof_either)]),
        ("h {\n a b;\n", &[("UnclosedBlock", 1, 3, eof)]),
        ("h {\n  s {\n    a b;\n}\n", &[("UnclosedBlock", 2, 5, eof)]),
        ("h {\n}\n}\n", &[("UnopenedBlock", 3, 3, "unexpected \"}\"")]),
        (";", &[("LoneSemicolon", 1, 1, "unexpected \";\"")]),
        ("e {};", &[("LoneSemicolon", 1, 1, "unexpected \";\"")]),
        ("{ }", &[("NamelessBlock", 1, 1, "unexpected \"{\"")]),
        ("a \"b\"x;", &[("TextBehindQuote", 1, 1, "unexpected \"x\"")]),
        ("a \"b\"#c\n;", &[("TextBehindQuote", 1, 1, "unexpected \"#\"")]),
        ("a \"b;\nc d;\n", &[("UnclosedQuote", 1, 3, eof_either)]),
        ("a \"b;\nc \"d\";\n", &[("UnclosedQuote", 1, 2, "unexpected \"d\"")]),
        ("a 'b;\n\nc d;", &[("UnclosedQuote", 1, 3, eof_either)]),
        (r"a b\", &[("MissingSemicolon", 1, 1, eof_either)]),
        (
            "content_by_lua_block {\n }} x = '",
            &[("UnopenedBlock", 2, 2, "unexpected \"}\""), ("UnclosedQuote", 2, 2, eof_either)],
        ),
    ];
    for (text, expected) in table {
        let file = parse(text);
        let found: Vec<(String, u32, u32, &str)> = file
            .syntax
            .problems
            .iter()
            .map(|problem| {
                let kind = format!("{:?}", problem.kind);
                let name = kind.split([' ', '{']).next().unwrap_or_default().to_owned();
                let line = file.source.line(problem.at.start);
                (name, line, file.source.line(problem.noticed_at), problem.nginx_says.as_str())
            })
            .collect();
        let expected = expected.iter().map(|(name, at, noticed, says)| ((*name).to_owned(), *at, *noticed, *says));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{text:?}");
    }
}

#[test]
fn one_mistake_does_not_hide_the_next() {
    let file = parse("http {\n  gzip on\n  }\n;\nserver {\n  add_header A \"b;\n  listen 80;\n  root \"/x\"y;\n}\n");
    let kinds: Vec<String> = file.syntax.problems.iter().map(|problem| format!("{:?}", problem.kind)).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(statements(&file).contains(&"listen|80;".to_owned()));
}

#[test]
fn words_and_comments_are_as_long_as_the_buffer_of_nginx() {
    let table = [
        (format!("a {};", "x".repeat(4_095)), true),
        (format!("a {};", "x".repeat(4_096)), false),
        (format!("a \"{}\";", "x".repeat(4_094)), true),
        (format!("a \"{}\";", "x".repeat(4_095)), false),
        (format!("#{}\n", "x".repeat(4_094)), true),
        (format!("#{}\n", "x".repeat(4_095)), false),
    ];
    for (text, fits) in table {
        let file = parse(&text);
        assert_eq!(file.syntax.problems.is_empty(), fits, "{} bytes", text.len());
    }
}

#[test]
fn so_many_problems_are_kept_and_the_rest_is_counted() {
    let file = parse("}\n".repeat(1_000));
    assert_eq!(file.syntax.problems.len(), MOST_PROBLEMS);
    assert_eq!(file.syntax.problem_count, 1_000);
}

#[test]
fn where_reading_stops_is_said() {
    let lua = parse("a b;\ncontent_by_lua_block { [[ }\nc d;\n");
    assert_eq!(lua.syntax.unread_from.map(|offset| lua.source.line(offset)), Some(2));
    let quotes = parse("a \"b;\nc \"d;\n".repeat(500));
    assert!(quotes.syntax.unread_from.is_some());
    assert_eq!(parse("a \"b;\nc d;\n").syntax.unread_from, None);
}

#[test]
fn deep_blocks_cost_nothing_and_are_said() {
    let deep = format!("{}{}", "a {\n".repeat(3_000), "}\n".repeat(3_000));
    let file = parse(deep);
    let kinds: Vec<&ProblemKind> = file.syntax.problems.iter().map(|problem| &problem.kind).collect();
    assert_eq!(kinds, [&ProblemKind::TooDeep]);
}
