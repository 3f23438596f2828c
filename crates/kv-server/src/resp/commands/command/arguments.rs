//! The arguments of a command, one by one, as `COMMAND DOCS` shows them: redis-cli has its hints from there.

use super::Reply;

/// An argument, or a group of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Argument {
    name: String,
    kind: Kind,
    /// The word that stands before it.
    token: Option<&'static str>,
    is_optional: bool,
    is_multiple: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// A word that stands for itself.
    Token,
    Value,
    /// One of these.
    OneOf(Vec<Argument>),
    /// All of these.
    Block(Vec<Argument>),
}

impl Argument {
    fn new(name: String, kind: Kind) -> Self {
        Self { name, kind, token: None, is_optional: false, is_multiple: false }
    }

    /// One argument that stands for several.
    fn block(mut arguments: Vec<Self>) -> Self {
        if arguments.len() == 1
            && let Some(only) = arguments.pop()
        {
            return only;
        }
        let names: Vec<&str> = arguments.iter().map(|argument| argument.name.as_str()).collect();
        Self::new(names.join("_"), Kind::Block(arguments))
    }

    /// Its type, as Redis names it; a value's follows from its name.
    fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Token => "pure-token",
            Kind::OneOf(_) => "oneof",
            Kind::Block(_) => "block",
            Kind::Value => match self.name.as_str() {
                "key" | "key1" | "key2" | "newkey" | "source" | "destination" => "key",
                "pattern" => "pattern",
                "unix-time-seconds" | "unix-time-milliseconds" => "unix-time",
                "client-id" | "count" | "cursor" | "decrement" | "destination-db" | "end"
                | "frequency" | "increment" | "index" | "milliseconds" | "min-match-len"
                | "numlocal" | "numreplicas" | "offset" | "protover" | "seconds" | "start"
                | "timeout" | "ttl" => "integer",
                _ => "string",
            },
        }
    }

    fn parts(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::OneOf(parts) | Kind::Block(parts) => Some(parts),
            Kind::Token | Kind::Value => None,
        }
    }

    /// Shows it. `keys` counts the keys that were shown before.
    fn show(&self, reply: &mut Reply<'_>, keys: &mut i64) {
        let is_key = self.kind_name() == "key";
        let flags = [(self.is_optional, "optional"), (self.is_multiple, "multiple")];
        let flags: Vec<&str> = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        let others = [is_key, self.token.is_some(), !flags.is_empty()];
        reply.map(3 + others.iter().filter(|is| **is).count());
        let mut text = |name: &str, text: &str| {
            reply.bulk(name.as_bytes());
            reply.bulk(text.as_bytes());
        };
        text("name", &self.name);
        text("type", self.kind_name());
        if self.parts().is_none() {
            text("display_text", &self.name);
        }
        if let Some(token) = self.token {
            text("token", token);
        }
        if is_key {
            reply.bulk(b"key_spec_index");
            reply.integer(*keys);
            *keys += 1;
        }
        if !flags.is_empty() {
            reply.bulk(b"flags");
            reply.set(flags.len());
            for flag in flags {
                reply.simple(flag);
            }
        }
        if let Some(parts) = self.parts() {
            reply.bulk(b"arguments");
            show(reply, parts, keys);
        }
    }
}

/// Shows the arguments of a command.
pub(super) fn show(reply: &mut Reply<'_>, arguments: &[Argument], keys: &mut i64) {
    reply.array(arguments.len());
    for argument in arguments {
        argument.show(reply, keys);
    }
}

/// The arguments that a [syntax](super::syntax) describes.
pub(super) fn parse(syntax: &'static str) -> Vec<Argument> {
    let mut words = Words(syntax);
    match words.alternatives() {
        // Several that stand side by side, and not one that is optional or repeated as a whole.
        Argument {
            kind: Kind::Block(arguments), is_optional: false, is_multiple: false, ..
        } => arguments,
        only => vec![only],
    }
}

/// What is left of a syntax.
struct Words(&'static str);

impl Words {
    /// The next bracket, bar or word, which is taken.
    fn next(&mut self) -> Option<&'static str> {
        let word = self.peek()?;
        self.0 = self.0.trim_start().get(word.len()..)?;
        Some(word)
    }

    fn peek(&self) -> Option<&'static str> {
        let rest = self.0.trim_start();
        let is_bracket = |character: char| "[]<>|".contains(character);
        let end = if rest.starts_with(is_bracket) {
            1
        } else {
            rest.find(|character| is_bracket(character) || character == ' ').unwrap_or(rest.len())
        };
        rest.get(..end).filter(|word| !word.is_empty())
    }

    /// Everything up to the bracket that closes, or to the end: what stands between bars.
    fn alternatives(&mut self) -> Argument {
        let mut alternatives = vec![Argument::block(self.sequence())];
        while self.peek() == Some("|") {
            self.next();
            alternatives.push(Argument::block(self.sequence()));
        }
        if alternatives.len() == 1 {
            return Argument::block(alternatives);
        }
        Argument::new("option".to_owned(), Kind::OneOf(alternatives))
    }

    /// What stands side by side.
    fn sequence(&mut self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        while let Some(word) = self.peek().filter(|word| !["|", "]", ">"].contains(word)) {
            self.next();
            match word {
                "[" => self.optional(&mut arguments),
                "<" => arguments.push(self.group()),
                _ if is_token(word) => arguments.push(self.after_token(word)),
                _ => arguments.push(Argument::new(word.to_owned(), Kind::Value)),
            }
        }
        arguments
    }

    /// The rest of a group, and the bracket that closes it.
    fn group(&mut self) -> Argument {
        let group = self.alternatives();
        self.next();
        group
    }

    /// What is in square brackets: it may be left out, or says that what precedes it may come again.
    fn optional(&mut self, arguments: &mut Vec<Argument>) {
        let mut group = self.group();
        // The names that are repeated, and after them three dots.
        let (end, names) = match &group.kind {
            Kind::Block(parts) => (parts.last(), parts.len().saturating_sub(1)),
            _ => (Some(&group), 1),
        };
        if end.is_none_or(|end| end.name != "...") {
            group.is_optional = true;
            arguments.push(group);
            return;
        }
        let start = arguments.len().saturating_sub(names);
        let mut repeated = Argument::block(arguments.split_off(start));
        repeated.is_multiple = true;
        arguments.push(repeated);
    }

    /// A word that stands for itself, with the values that it introduces.
    fn after_token(&mut self, token: &'static str) -> Argument {
        let mut argument = match self.peek() {
            Some("<") => {
                self.next();
                self.group()
            }
            Some(word) if is_value(word) => {
                let mut values = Vec::new();
                while let Some(word) = self.peek().filter(|word| is_value(word)) {
                    self.next();
                    values.push(Argument::new(word.to_owned(), Kind::Value));
                }
                Argument::block(values)
            }
            _ => Argument::new(token.to_ascii_lowercase(), Kind::Token),
        };
        argument.token = Some(token);
        argument
    }
}

fn is_token(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
}

fn is_value(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::commands::command::syntax::syntax;
    use crate::resp::commands::table;

    /// The syntax that was parsed, written again.
    fn written(arguments: &[Argument], between: &str) -> String {
        let written: Vec<String> = arguments.iter().map(write).collect();
        written.join(between)
    }

    fn write(argument: &Argument) -> String {
        let inner = match &argument.kind {
            Kind::Token => String::new(),
            Kind::Value => argument.name.clone(),
            Kind::Block(parts) => written(parts, " "),
            Kind::OneOf(parts) if argument.is_optional && argument.token.is_none() => {
                written(parts, " | ")
            }
            Kind::OneOf(parts) => format!("<{}>", written(parts, " | ")),
        };
        let words = [argument.token.unwrap_or_default(), &inner];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut text = words.join(" ");
        match argument.kind {
            Kind::OneOf(_) if argument.is_multiple => text.push_str(" [...]"),
            _ if argument.is_multiple => text = format!("{text} [{inner} ...]"),
            _ => {}
        }
        if argument.is_optional { format!("[{text}]") } else { text }
    }

    /// The fewest words that it can be written with.
    fn least(argument: &Argument) -> usize {
        if argument.is_optional {
            return 0;
        }
        let own = usize::from(argument.token.is_some());
        own + match &argument.kind {
            Kind::Token => 0,
            Kind::Value => 1,
            Kind::Block(parts) => parts.iter().map(least).sum(),
            Kind::OneOf(parts) => parts.iter().map(least).min().unwrap_or(0),
        }
    }

    /// Whether it can be written with no other number of words.
    fn is_fixed(argument: &Argument) -> bool {
        let parts = argument.parts().unwrap_or_default();
        let is_one_of = matches!(argument.kind, Kind::OneOf(_));
        let is_uneven = is_one_of && parts.iter().any(|part| least(part) != least(&parts[0]));
        let may_vary = argument.is_optional || argument.is_multiple || is_uneven;
        !may_vary && parts.iter().all(is_fixed)
    }

    /// They take whatever follows, and their documentation says nothing of it.
    const TAKES_ANYTHING: [&str; 1] = ["quit"];

    #[test]
    fn every_syntax_is_understood_and_needs_as_many_arguments_as_the_command() {
        let mut wrong = Vec::new();
        for command in table::numbered() {
            let (name, syntax) = (command.full_name(), syntax(command));
            let arguments = parse(syntax);
            assert_eq!(written(&arguments, " "), syntax, "{name}");
            if !command.subcommands.is_empty() || TAKES_ANYTHING.contains(&name.as_str()) {
                continue;
            }
            let names = 1 + usize::from(command.container.is_some());
            let fewest = names + arguments.iter().map(least).sum::<usize>();
            let takes = (fewest, arguments.iter().all(is_fixed));
            let arity = (usize::from(command.arity.unsigned_abs()), command.arity > 0);
            if takes != arity {
                wrong.push(format!("{name} {syntax}: {takes:?} is not {arity:?}"));
            }
        }
        assert_eq!(wrong, [""; 0]);
    }
}
