//! The catalog against what is known about nginx, and against itself.

use nginx_lint::catalog::{
    self, Arguments, Body, Context, Contexts, Directive, Duplicate, Expansion, Family, Inheritance, Origin, ValueKind,
    Version,
};

fn directive(name: &str, context: Context) -> &'static Directive {
    catalog::find_in(name, context).unwrap_or_else(|| panic!("{name} is not known in {}", context.name()))
}

fn contexts(list: &[Context]) -> Contexts {
    Contexts::of(list)
}

// Truths about nginx.

/// Where directives may stand: nginx accepts each in exactly these contexts of the family.
#[test]
fn places() {
    use Context::*;
    #[rustfmt::skip]
    let known: &[(&str, Context, &[Context])] = &[
        ("worker_processes", Main, &[Main]),
        ("events", Main, &[Main]),
        ("worker_connections", Events, &[Events]),
        ("proxy_pass", Location, &[Location, IfInLocation, LimitExcept]),
        ("proxy_pass", StreamServer, &[StreamServer]),
        ("proxy_connect_timeout", Http, &[Http, Server, Location]),
        ("proxy_connect_timeout", Stream, &[Stream, StreamServer]),
        ("allow", Location, &[Http, Server, Location, LimitExcept]),
        ("return", Server, &[Server, Location, IfInServer, IfInLocation]),
        ("add_header", Http, &[Http, Server, Location, IfInLocation]),
        ("server", Http, &[Http]),
        ("server", Upstream, &[Upstream]),
        ("server", Stream, &[Stream]),
        ("server", StreamUpstream, &[StreamUpstream]),
        ("server", Mail, &[Mail]),
        ("keepalive", Upstream, &[Upstream]),
        ("content_by_lua_block", Location, &[Location, IfInLocation]),
    ];
    for (name, context, expected) in known {
        let found = directive(name, *context).contexts;
        assert_eq!(found, contexts(expected), "{name} in {context}");
    }
    assert!(catalog::find_in("location", Context::IfInLocation).is_none());
    assert!(catalog::find_in("worker_processes", Context::Http).is_none());
    for context in Context::ALL {
        assert_eq!(directive("include", context).module.name, "ngx_conf_module");
    }
}

#[test]
fn values_and_defaults() {
    use Context::*;
    #[rustfmt::skip]
    let known: &[(&str, Context, ValueKind, &[&str])] = &[
        ("proxy_connect_timeout", Http, ValueKind::Milliseconds, &["60s"]),
        ("client_max_body_size", Http, ValueKind::Offset, &["1m"]),
        ("client_body_buffer_size", Http, ValueKind::Size, &["8k|16k"]),
        ("gzip", Http, ValueKind::Flag, &["off"]),
        ("gzip_comp_level", Http, ValueKind::Number(Some((1, 9))), &["1"]),
        ("proxy_buffers", Http, ValueKind::Buffers, &["8 4k|8k"]),
        ("proxy_set_header", Http, ValueKind::KeyValue, &["Host $proxy_host"]),
        ("server_name", Server, ValueKind::ServerNames, &["\"\""]),
        ("types", Http, ValueKind::Nothing, &["text/html html; image/gif gif; image/jpeg jpg;"]),
        ("proxy_pass", Location, ValueKind::Url, &[]),
        ("http2_push", Http, ValueKind::Any, &["off"]),
    ];
    for (name, context, value, defaults) in known {
        let found = directive(name, *context);
        assert_eq!(found.value, *value, "{name}");
        assert_eq!(found.defaults, *defaults, "{name}");
    }
}

#[test]
fn words() {
    let ValueKind::Enumeration(server_tokens) = directive("server_tokens", Context::Http).value else {
        panic!("server_tokens takes words");
    };
    assert!(server_tokens.accept("BUILD"));
    assert!(!server_tokens.accept("none"));

    let ValueKind::Enumeration(aio) = directive("aio", Context::Http).value else {
        panic!("aio takes words");
    };
    assert!(aio.accept("threads=pool2"));
    assert!(!aio.accept("ON"), "aio compares case");
}

#[test]
fn variables_in_values() {
    let known = [
        ("proxy_pass", Expansion::Everywhere),
        ("root", Expansion::Everywhere),
        ("add_header", Expansion::Only("value")),
        ("default_type", Expansion::Never),
    ];
    for (name, expected) in known {
        assert_eq!(directive(name, Context::Location).variables, expected, "{name}");
    }
}

#[test]
fn repetition_and_inheritance() {
    use Duplicate::*;
    #[rustfmt::skip]
    let known = [
        ("proxy_set_header", Context::Http, Accumulate, Inheritance::ReplaceAll),
        ("add_header", Context::Http, Accumulate, Inheritance::ReplaceAll),
        ("proxy_read_timeout", Context::Http, Error, Inheritance::Override),
        ("proxy_next_upstream", Context::Http, WarnPerValue, Inheritance::Override),
        ("proxy_pass", Context::Location, Error, Inheritance::IntoUnnamed),
        ("memcached_pass", Context::Location, Error, Inheritance::IntoIf),
        ("rewrite", Context::Server, Accumulate, Inheritance::Sequence),
        ("try_files", Context::Location, Error, Inheritance::None),
        ("image_filter", Context::Location, LastWins, Inheritance::Override),
        ("limit_req", Context::Http, ErrorSameZone, Inheritance::ReplaceAll),
        ("least_conn", Context::Upstream, Warn, Inheritance::NotApplicable),
        ("worker_processes", Context::Main, Error, Inheritance::NotApplicable),
        ("include", Context::Main, Accumulate, Inheritance::NotApplicable),
        ("brotli", Context::Http, Unknown, Inheritance::Unknown),
    ];
    for (name, context, duplicate, inheritance) in known {
        let found = directive(name, context);
        assert_eq!(found.duplicate, duplicate, "{name}");
        assert_eq!(found.inheritance, inheritance, "{name}");
    }
}

#[test]
fn argument_counts() {
    use Context::*;
    #[rustfmt::skip]
    let known = [
        ("ip_hash", Upstream, "0", 0, Some(0)),
        ("gzip", Http, "1", 1, Some(1)),
        ("location", Server, "1-2", 1, Some(2)),
        ("js_import", Http, "1,3", 1, Some(3)),
        ("try_files", Location, "2+", 2, None),
        ("echo", Location, "0+", 0, None),
    ];
    for (name, context, shown, min, max) in known {
        let arguments: Arguments = directive(name, context).arguments;
        assert_eq!(arguments.to_string(), shown, "{name}");
        assert_eq!((arguments.min(), arguments.max()), (min, max), "{name}");
        assert_eq!(arguments.accept(100), max.is_none(), "{name}");
    }
    let js_import = directive("js_import", Http).arguments;
    let accepted: Vec<usize> = (0..10).filter(|count| js_import.accept(*count)).collect();
    assert_eq!(accepted, [1, 3]);
}

#[test]
fn blocks() {
    use Context::*;
    #[rustfmt::skip]
    let known = [
        ("http", Main, Some(Http)),
        ("server", Http, Some(Server)),
        ("server", Stream, Some(StreamServer)),
        ("server", Mail, Some(MailServer)),
        ("upstream", Stream, Some(StreamUpstream)),
        ("location", Location, Some(Location)),
        ("if", Server, Some(IfInServer)),
        ("if", Location, Some(IfInLocation)),
        ("limit_except", Location, Some(LimitExcept)),
        ("map", Http, None),
        ("mgmt", Main, Some(Foreign)),
    ];
    for (name, outer, inner) in known {
        let block = directive(name, outer);
        assert!(block.is_block(), "{name}");
        assert_eq!(block.opens(outer), inner, "{name} in {outer}");
    }
    assert_eq!(directive("map", Http).body, Body::Data);
    assert_eq!(directive("content_by_lua_block", Location).body, Body::Lua);
    assert!(!directive("proxy_pass", Location).is_block());
    assert!(!directive("server", Upstream).is_block());
}

#[test]
fn releases() {
    let keepalive = directive("keepalive", Context::Upstream);
    assert_eq!(keepalive.since, Some(Version::new(1, 1, 4)));
    assert!(!keepalive.exists_in(Version::new(1, 1, 3)));
    assert!(keepalive.exists_in(Version::new(1, 1, 4)));
    assert_eq!(keepalive.form_in(Version::new(1, 22, 1)).arguments.max(), Some(1));
    assert_eq!(keepalive.form_in(Version::new(1, 29, 7)).arguments.max(), Some(2));
    assert_eq!(keepalive.form(), keepalive.form_in(Version::new(9, 0, 0)));

    let ssl = directive("ssl", Context::Server);
    assert_eq!(ssl.removed, Some(Version::new(1, 25, 1)));
    assert_eq!(ssl.last_in, Some(Version::new(1, 25, 0)));
    assert!(ssl.exists_in(Version::new(1, 25, 0)));
    assert!(!ssl.exists_in(Version::new(1, 25, 1)));

    let server_tokens = directive("server_tokens", Context::Http);
    assert!(server_tokens.form_in(Version::new(1, 10, 3)).flag);
    assert!(!server_tokens.form().flag);

    let log_format = directive("log_format", Context::Http);
    let before = log_format.form_in(Version::new(1, 6, 3)).contexts;
    assert!(before.contains(Context::Location));
    assert!(!log_format.contexts.contains(Context::Location));

    let obsolete = directive("http2_max_requests", Context::Http).deprecated;
    assert_eq!(obsolete.and_then(|it| it.since), Some(Version::new(1, 19, 7)));
    assert_eq!(obsolete.and_then(|it| it.instead), Some("keepalive_requests"));
}

#[test]
fn modules_and_links() {
    let http2 = directive("http2", Context::Server);
    assert_eq!(http2.module.configure, Some("--with-http_v2_module"));
    assert!(!http2.module.built_by_default);
    assert_eq!(http2.url().as_deref(), Some("https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2"));
    assert_eq!(directive("http2_pool_size", Context::Http).url(), None);
    assert_eq!(
        directive("gzip_vary", Context::Http).page,
        Some("https://nginx.org/en/docs/http/ngx_http_gzip_module.html")
    );
    assert_eq!(directive("proxy_ssl_verify", Context::Http).requires, Some("http_ssl"));
    assert_eq!(directive("auth_jwt", Context::Http).module.origin, Origin::Plus);
    assert_eq!(directive("content_by_lua_block", Context::Location).module.origin, Origin::Package("lua-nginx-module"));
    assert!(catalog::modules().iter().any(|module| module.name == "ngx_http_core_module" && module.built_by_default));
}

/// nginx's own directive comes before those of other modules, and what was removed comes last.
#[test]
fn order_within_a_name() {
    let purge: Vec<Origin> =
        catalog::find("proxy_cache_purge").iter().map(|directive| directive.module.origin).collect();
    assert!(matches!(purge[..], [Origin::Plus, Origin::Package(_)]));
    let ssl: Vec<bool> = catalog::find("ssl").iter().map(|directive| directive.removed.is_some()).collect();
    assert_eq!(ssl, [false, true, true]);
}

#[test]
fn variables() {
    let host = catalog::variable("host", Family::Http).expect("$host");
    assert!(!host.changeable && !host.prefix && host.documented);
    assert_eq!(catalog::variable("HOST", Family::Http), Some(host));
    assert!(catalog::variable("host", Family::Stream).is_none());

    let found = |name, family| catalog::variable(name, family).map(|variable| variable.name);
    assert_eq!(found("http_x_real_ip", Family::Http), Some("http_"));
    assert_eq!(found("http_", Family::Http), Some("http_"));
    assert_eq!(found("http_host", Family::Http), Some("http_host"));
    assert_eq!(found("Upstream_HTTP_etag", Family::Http), Some("upstream_http_"));
    assert_eq!(found("arg_x", Family::Stream), None);
    assert_eq!(found("session_time", Family::Stream), Some("session_time"));
    assert_eq!(found("my_variable", Family::Http), None);
    assert_eq!(found("", Family::Http), None);

    let changeable = |name| catalog::variable(name, Family::Http).map(|it| it.changeable);
    assert_eq!(changeable("args"), Some(true));
    assert_eq!(changeable("limit_rate"), Some(true));
    assert_eq!(changeable("uri"), Some(false));
    let jwt = catalog::variable("jwt_claim_sub", Family::Http).expect("a prefix of NGINX Plus");
    assert_eq!(jwt.origin, Origin::Plus);
}

#[test]
fn versions() {
    let read = |text: &str| text.parse::<Version>().ok();
    assert_eq!(read("1.25.1"), Some(Version::new(1, 25, 1)));
    assert_eq!(read("1.25"), Some(Version::new(1, 25, 0)));
    for wrong in ["", "1", "1.", "1.2.3.4", "+1.2", "1.x", "1.99999", "nginx"] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
    assert!(Version::new(1, 9, 15) < Version::new(1, 10, 0));
    assert_eq!(Version::new(1, 31, 4).to_string(), "1.31.4");
}

#[test]
fn sets_of_contexts() {
    let both = contexts(&[Context::Http]).union(contexts(&[Context::Location]));
    assert_eq!(both.to_string(), "http, location");
    assert_eq!(both.len(), 2);
    assert_eq!(both.iter().collect::<Contexts>(), both);
    assert!(both.intersection(contexts(&[Context::Mail])).is_empty());
    assert_eq!(Contexts::ALL.iter().count(), Context::ALL.len());
}

// The tables against themselves.

#[test]
fn unknown_names() {
    let unknown = ["", "proxy_pas", "PROXY_PASS", "proxy_pass ", "prøxy", "\0"];
    for name in unknown {
        assert!(catalog::find(name).is_empty(), "{name:?}");
        assert_eq!(catalog::name_index(name), None, "{name:?}");
    }
    for index in [catalog::name_count(), usize::from(u16::MAX)] {
        assert!(catalog::directives_of(index as u16).is_empty());
    }
    // Nearly known: every name less its first letter, and with one more at the end.
    for directive in catalog::all() {
        for name in [&directive.name[1..], &format!("{}x", directive.name)] {
            assert!(catalog::find(name).iter().all(|found| found.name == name));
        }
    }
}

#[test]
fn every_name_is_found() {
    for index in 0..catalog::name_count() as u16 {
        let name = catalog::name_of(index);
        assert_eq!(catalog::name_index(name), Some(index), "{name}");
        let found = catalog::find(name);
        assert_eq!(found, catalog::directives_of(index));
        assert!(!found.is_empty(), "{name}");
        assert!(found.iter().all(|directive| directive.name == name));
    }
    let found: usize = (0..catalog::name_count() as u16).map(|index| catalog::directives_of(index).len()).sum();
    assert_eq!(found, catalog::all().len());
    assert!(catalog::all().is_sorted_by_key(|directive| directive.name));
}

#[test]
fn every_variable_is_found() {
    for variable in catalog::variables() {
        let found = catalog::variable(variable.name, variable.family);
        assert_eq!(found, Some(variable));
        let upper = variable.name.to_ascii_uppercase();
        assert_eq!(catalog::variable(&upper, variable.family), Some(variable));
    }
}

#[test]
fn every_directive_makes_sense() {
    for directive in catalog::all() {
        let name = directive.name;
        assert!(!directive.contexts.is_empty(), "{name}");
        for context in directive.contexts.iter() {
            assert!(catalog::find_in(name, context).is_some(), "{name}");
        }
        if directive.value == ValueKind::Nothing {
            assert_eq!(directive.arguments.max(), Some(0), "{name}");
        }
        if directive.value == ValueKind::Flag {
            assert_eq!(directive.arguments.to_string(), "1", "{name}");
        }
        if let (Some(since), Some(removed)) = (directive.since, directive.removed) {
            assert!(since < removed, "{name}");
        }
        if let Some(instead) = directive.deprecated.and_then(|it| it.instead) {
            assert!(!catalog::find(instead).is_empty(), "{name}");
        }
    }
}
