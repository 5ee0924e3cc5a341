//! The rewrite module: the directives of one block as a list of codes, and
//! what they do to a request (`ngx_http_rewrite_handler`).

use std::rc::Rc;

use super::super::{Block, Directive, compile_regex};
use super::condition::Condition;
use super::text::{Text, bytes_of};
use super::uri::unescape_redirect;
use super::variables::{Part, parts_of};
use super::walk::{Phase, Stop, Walk};
use super::{Answer, Assumption, End, Reason, Unknown, What};

/// One code.
#[derive(Clone, Copy, Debug)]
enum Code<'m> {
    Set(Directive<'m>),
    Rewrite(Directive<'m>),
    Return(Directive<'m>),
    Break(Directive<'m>),
    /// `if`; behind its block the codes go on at `next`.
    If {
        directive: Directive<'m>,
        block: Block<'m>,
        next: usize,
    },
    /// Another module sets a variable.
    Foreign(Directive<'m>),
}

/// Codes that are being run.
#[derive(Clone, Debug)]
pub(super) struct Frame<'m> {
    codes: Rc<[Code<'m>]>,
    next: usize,
    /// Captures are escaped.
    quote: bool,
    /// An argument part has begun.
    is_args: bool,
}

impl<'m> Frame<'m> {
    pub(super) fn of(block: Block<'m>) -> Frame<'m> {
        let mut codes = Vec::new();
        compile(block, &mut codes);
        Frame { codes: codes.into(), next: 0, quote: true, is_args: false }
    }
}

/// The codes of a block, those of each `if` inside it in their place.
fn compile<'m>(block: Block<'m>, codes: &mut Vec<Code<'m>>) {
    // What stands where it may not is no code, such as an `if` inside of an `if`.
    for directive in block.statements().into_iter().filter(|directive| directive.definition().is_some()) {
        match directive.name() {
            "set" => codes.push(Code::Set(directive)),
            "rewrite" => codes.push(Code::Rewrite(directive)),
            "return" => codes.push(Code::Return(directive)),
            "break" => codes.push(Code::Break(directive)),
            "if" => {
                let Some(block) = directive.block() else { continue };
                let at = codes.len();
                codes.push(Code::If { directive, block, next: 0 });
                compile(block, codes);
                let next = codes.len();
                codes[at] = Code::If { directive, block, next };
            }
            name if name.starts_with("set_") && directive.argument(0).is_some_and(|word| word.starts_with('$')) => {
                codes.push(Code::Foreign(directive));
            }
            _ => {}
        }
    }
}

/// Where a request goes on after a code.
enum Next {
    Code,
    /// The codes of this block are done.
    Leave,
}

impl<'m> Walk<'m> {
    /// Runs the codes of the present frame.
    pub(super) fn run_codes(&mut self) -> Result<(), Stop<'m>> {
        while let Some(frame) = &mut self.frame {
            let Some(code) = frame.codes.get(frame.next).copied() else { break };
            frame.next += 1;
            match self.run_code(code)? {
                Next::Code => {}
                Next::Leave => break,
            }
        }
        self.frame = None;
        Ok(())
    }

    fn run_code(&mut self, code: Code<'m>) -> Result<Next, Stop<'m>> {
        match code {
            Code::Set(directive) => {
                let value = self.evaluate_in_frame(directive.argument(1).unwrap_or_default());
                self.set(directive, value);
                Ok(Next::Code)
            }
            Code::Foreign(directive) => {
                let name = directive.argument(0).and_then(|name| name.strip_prefix('$')).unwrap_or_default();
                self.set(directive, Text::unknown(name));
                Ok(Next::Code)
            }
            Code::Break(directive) => {
                self.step(Some(directive), What::Break);
                if self.uri_changed {
                    self.valid_location = false;
                    self.uri_changed = false;
                }
                Ok(Next::Leave)
            }
            Code::Return(directive) => self.run_return(directive),
            Code::Rewrite(directive) => self.run_rewrite(directive),
            Code::If { directive, block, next } => self.run_if(directive, block, next),
        }
    }

    fn evaluate_in_frame(&mut self, text: &str) -> Text {
        let quote = self.frame.as_ref().is_some_and(|frame| frame.quote || frame.is_args);
        self.evaluate_quoted(text, quote)
    }

    fn set(&mut self, directive: Directive<'m>, value: Text) {
        let name = directive.argument(0).and_then(|name| name.strip_prefix('$')).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if name == "args" {
            self.args = value.clone();
            self.valid_unparsed_uri = false;
        } else {
            self.values.insert(name.clone(), Some(value.clone()));
        }
        self.step(Some(directive), What::Set { variable: name, value });
    }

    // return

    fn run_return(&mut self, directive: Directive<'m>) -> Result<Next, Stop<'m>> {
        let first = directive.argument(0).unwrap_or_default();
        let (status, text) = match super::super::parse_number(first) {
            Some(status) => (status.min(999) as u16, directive.argument(1).unwrap_or_default()),
            None => (302, first),
        };
        if status >= 400 && text.is_empty() {
            return self.special(status, Reason::Directive, Some(directive), None).map(|()| Next::Leave);
        }
        let value = self.evaluate(text);
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            return self.special(status, Reason::Directive, Some(directive), Some(value)).map(|()| Next::Leave);
        }
        let status = if self.status == 0 { status } else { self.status };
        Err(Stop::End(End::Answer(Answer {
            status,
            body: Some(value),
            reason: Reason::Directive,
            directive: Some(directive),
        })))
    }

    // rewrite

    fn run_rewrite(&mut self, directive: Directive<'m>) -> Result<Next, Stop<'m>> {
        let (Some(pattern), Some(replacement)) = (directive.argument(0), directive.argument(1)) else {
            return Err(Stop::End(End::Unknown(Unknown::Unreadable)));
        };
        let Ok(regex) = compile_regex(pattern, false) else {
            return Err(Stop::End(End::Unknown(Unknown::Unreadable)));
        };
        let Some(uri) = self.uri.bytes().map(<[u8]>::to_vec) else {
            return Err(Stop::End(End::Unknown(Unknown::Path(self.uri.clone()))));
        };
        if !self.matches(&regex, &uri) {
            self.forget_captures();
            self.step(Some(directive), What::NoRewrite { path: Text::known(uri) });
            return Ok(Next::Code);
        }
        let flag = directive.argument(2);
        let is_url = ["http://", "https://", "$scheme"].iter().any(|start| replacement.starts_with(start));
        let redirect = match flag {
            Some("redirect") => Some(302),
            Some("permanent") => Some(301),
            _ if is_url => Some(302),
            _ => None,
        };
        // A ? at the end drops the arguments of the request.
        let (replacement, add_args) = match replacement.strip_suffix('?') {
            Some(replacement) => (replacement, false),
            None => (replacement, true),
        };
        self.internal = true;
        self.valid_unparsed_uri = false;
        if flag == Some("break") {
            self.valid_location = false;
            self.uri_changed = false;
        } else {
            self.uri_changed = true;
        }
        if let Some(status) = redirect {
            let location = self.redirect_to(replacement, add_args);
            return self.special(status, Reason::Directive, Some(directive), Some(location)).map(|()| Next::Leave);
        }
        self.replace_uri(replacement, add_args);
        if self.uri.is_empty() {
            return self.special(500, Reason::EmptyPath, Some(directive), None).map(|()| Next::Leave);
        }
        self.step(Some(directive), What::Rewrite { path: self.uri.clone(), args: self.args.clone() });
        Ok(if matches!(flag, Some("last" | "break")) { Next::Leave } else { Next::Code })
    }

    /// The address of a redirect.
    fn redirect_to(&mut self, replacement: &str, add_args: bool) -> Text {
        let parts = parts_of(replacement);
        let has_args = parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains('?')));
        self.touch(&parts);
        let mut location = self.join(&parts, true).map(unescape_redirect);
        if add_args && !self.args.is_empty() {
            location.push(if has_args { b"&" } else { b"?" });
            location.append(&self.args.clone());
        }
        if let Some(frame) = &mut self.frame {
            frame.quote = false;
        }
        location
    }

    /// Path and arguments that a replacement gives: the first `?` that is
    /// written in it divides them.
    fn replace_uri(&mut self, replacement: &str, add_args: bool) {
        let parts = parts_of(replacement);
        self.touch(&parts);
        let mut is_args = self.frame.as_ref().is_some_and(|frame| frame.is_args);
        let (mut path, mut args) = (Text::default(), None::<Text>);
        for part in parts {
            let mut part = part;
            if let (Part::Text(text), None) = (part, &args)
                && let Some((before, behind)) = text.split_once('?')
            {
                path.append(&Text::of_value(before));
                is_args = true;
                args = Some(Text::default());
                part = Part::Text(behind);
            }
            let value = self.value_of_part(part, is_args);
            args.as_mut().unwrap_or(&mut path).append(&value);
        }
        match args {
            Some(mut args) => {
                if add_args && !self.args.is_empty() {
                    args.push(b"&");
                    args.append(&self.args);
                }
                self.args = args;
            }
            None if !add_args => self.args = Text::default(),
            None => {}
        }
        self.uri = path;
        if let Some(frame) = &mut self.frame {
            frame.quote = false;
            frame.is_args = is_args;
        }
    }

    // if

    fn run_if(&mut self, directive: Directive<'m>, block: Block<'m>, next: usize) -> Result<Next, Stop<'m>> {
        let Some(condition) = Condition::parse(directive.arguments()) else {
            return Err(Stop::End(End::Unknown(Unknown::Unreadable)));
        };
        let (value, holds) = self.test(condition)?;
        match holds {
            Some(holds) => {
                self.step(Some(directive), What::If { value, holds });
                self.enter_if(block, next, holds);
                Ok(Next::Code)
            }
            None => {
                let assumption = match condition {
                    Condition::File { operator, .. } => match operator.trim_start_matches('!') {
                        "-f" => Assumption::IsFile(value.clone()),
                        "-d" => Assumption::IsDirectory(value.clone()),
                        "-x" => Assumption::IsExecutable(value.clone()),
                        _ => Assumption::Exists(value.clone()),
                    },
                    _ => Assumption::Holds(directive.arguments().collect::<Vec<_>>().join(" ")),
                };
                let way = |holds: bool| {
                    let value = value.clone();
                    move |walk: &mut Walk<'m>| {
                        walk.step(Some(directive), What::If { value, holds });
                        walk.enter_if(block, next, holds);
                        Ok(())
                    }
                };
                let negated = matches!(condition, Condition::File { operator, .. } if operator.starts_with('!'));
                let (first, second) = (way(!negated), way(negated));
                self.fork(vec![(assumption, Box::new(first)), (Assumption::Otherwise, Box::new(second))])?;
                Ok(Next::Code)
            }
        }
    }

    fn enter_if(&mut self, block: Block<'m>, next: usize, holds: bool) {
        if !holds {
            if let Some(frame) = &mut self.frame {
                frame.next = next;
            }
        } else if self.phase == Phase::Rewrite {
            self.conf = block;
            self.update_location();
        }
    }

    /// What was compared, and whether the condition holds; none when that is
    /// not known.
    fn test(&mut self, condition: Condition<'m>) -> Result<(Text, Option<bool>), Stop<'m>> {
        Ok(match condition {
            Condition::Variable(name) => {
                let value = self.variable(name).unwrap_or_default();
                let holds = value.bytes().map(|bytes| !bytes.is_empty() && bytes != b"0");
                (value, holds)
            }
            Condition::Equals { variable, text, negated } => {
                let value = self.variable(variable).unwrap_or_default();
                let other = self.evaluate_in_frame(text);
                let holds = value.bytes().zip(other.bytes()).map(|(value, other)| (value == other) != negated);
                (value, holds)
            }
            Condition::Matches { variable, pattern, caseless, negated } => {
                let value = self.variable(variable).unwrap_or_default();
                let Ok(regex) = compile_regex(pattern, caseless) else {
                    return Err(Stop::End(End::Unknown(Unknown::Unreadable)));
                };
                let Some(bytes) = value.bytes().map(<[u8]>::to_vec) else { return Ok((value, None)) };
                let matches = self.matches(&regex, &bytes);
                if !matches {
                    self.forget_captures();
                }
                (value, Some(matches != negated))
            }
            Condition::File { path, .. } => (self.evaluate_in_frame(path), None),
        })
    }

    /// The words of a status code and the like, as bytes.
    pub(super) fn literal(text: &str) -> Vec<u8> {
        bytes_of(text)
    }
}
