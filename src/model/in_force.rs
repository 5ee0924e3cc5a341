//! Everything about the values of a directive at a place: which lines count
//! there, which defaults stand beside them, and which lines of outer blocks do
//! not count any more. This follows the `merge` functions of nginx's modules.
//!
//! For people who ask; rules ask [`Block::effective`], which costs less.

use crate::catalog::{self, Body, Context, Duplicate, EarlierDefaults, Family, Inheritance, ValueKind, Version};

use super::effective::inherits;
use super::{Block, BlockId, Directive, Kind, Model, OLDEST_RELEASE};

/// Directives of which one switches off what outer levels say of the other.
const RIVALS: [(&str, &[&str]); 11] = [
    ("proxy_cache", &["proxy_store"]),
    ("proxy_store", &["proxy_cache"]),
    ("fastcgi_cache", &["fastcgi_store"]),
    ("fastcgi_store", &["fastcgi_cache"]),
    ("scgi_cache", &["scgi_store"]),
    ("scgi_store", &["scgi_cache"]),
    ("uwsgi_cache", &["uwsgi_store"]),
    ("uwsgi_store", &["uwsgi_cache"]),
    ("secure_link", &["secure_link_secret"]),
    ("secure_link_md5", &["secure_link_secret"]),
    ("secure_link_secret", &["secure_link", "secure_link_md5"]),
];

/// Lists that an inner level can take over whole, and what decides about it.
const INHERIT_SWITCHES: [(&str, &str); 2] =
    [("add_header", "add_header_inherit"), ("add_trailer", "add_trailer_inherit")];

/// The logs of which one `off` silences all of its level.
const SILENCED: &str = "access_log";

/// A directive to ask about.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name.
    pub name: &'static str,
    /// All names that share its place in nginx's memory, its own included.
    pub names: Vec<&'static str>,
    /// What the catalog says of it, for each family and kind of block.
    pub records: Vec<&'static catalog::Directive>,
    rivals: &'static [&'static str],
    inherit_switch: Option<&'static str>,
}

/// What counts at a place.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InForce<'m> {
    /// The lines that count, in the order in which nginx keeps them.
    pub directives: Vec<Directive<'m>>,
    /// The defaults that are in force, alone or beside them.
    pub defaults: Vec<&'static str>,
    /// The line of another directive that switches this one off.
    pub switched_off_by: Option<Directive<'m>>,
    /// Whether more may be said where it could not be seen.
    pub unseen: bool,
    /// The lines that count around this block, or stand in it, and do not
    /// count in it.
    pub discarded: Vec<Directive<'m>>,
}

impl InForce<'_> {
    /// Whether the same counts at both places.
    pub fn is_same(&self, other: &InForce<'_>) -> bool {
        self.directives == other.directives
            && self.defaults == other.defaults
            && self.switched_off_by == other.switched_off_by
            && self.unseen == other.unseen
    }
}

/// Why there is nothing to say about a directive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoSlot {
    /// No module has a directive of this name.
    Unknown,
    /// The nginx that is meant does not have it.
    NotInThisNginx(&'static catalog::Directive),
    /// It is a block of other directives and has no value.
    Container,
}

impl<'t> Model<'t> {
    /// What there is to ask about a directive.
    ///
    /// # Errors
    ///
    /// When nothing can be said about it.
    pub fn slot(&self, name: &str) -> Result<Slot, NoSlot> {
        let known = catalog::find(name);
        let Some(first) = known.first() else { return Err(NoSlot::Unknown) };
        let mut records: Vec<&'static catalog::Directive> = Vec::new();
        for record in known.iter().filter(|record| self.profile().has(record)) {
            // Of modules that share a name and a block, the first one takes it.
            if records.iter().all(|other| other.contexts.intersection(record.contexts).is_empty()) {
                records.push(record);
            }
        }
        let Some(record) = records.first() else { return Err(NoSlot::NotInThisNginx(first)) };
        if records.iter().all(|record| matches!(record.body, Body::Directives(_) | Body::If)) {
            return Err(NoSlot::Container);
        }
        let mut names: Vec<&str> =
            catalog::all().iter().filter(|other| other.slot == record.slot).map(|it| it.name).collect();
        names.dedup();
        let rivals = RIVALS.iter().find(|(known, _)| *known == record.name).map_or(&[][..], |(_, rivals)| rivals);
        let switch = INHERIT_SWITCHES.iter().find(|(list, _)| *list == record.name).map(|(_, switch)| *switch);
        // An older release does not have the switch and would refuse it.
        let has = |switch: &&str| catalog::find(switch).iter().any(|directive| self.profile().has(directive));
        Ok(Slot { name: record.name, names, records, rivals, inherit_switch: switch.filter(has) })
    }

    /// What counts in each block that the slot concerns, an outer block before
    /// those in it.
    pub fn everywhere_in_force<'m>(&'m self, slot: &Slot) -> Vec<(Block<'m>, InForce<'m>)> {
        let mut place_of_block: Vec<Option<usize>> = vec![None; self.block_count()];
        let mut found: Vec<(Block<'m>, InForce<'m>)> = Vec::new();
        for block in self.blocks() {
            let BlockId(id) = block.id();
            if slot.record(block).is_none() {
                continue;
            }
            let outer = slot.outer(block).and_then(|outer| place_of_block[outer.id().0 as usize]);
            let in_force = slot.step(block, outer.map(|place| &found[place].1));
            place_of_block[id as usize] = Some(found.len());
            found.push((block, in_force));
        }
        found
    }
}

impl Slot {
    /// What the catalog says of it in this block; none where it can neither
    /// stand nor be inherited.
    pub fn record(&self, block: Block<'_>) -> Option<&'static catalog::Directive> {
        let Kind::Directives(context) = block.kind() else { return None };
        let stands_in =
            |context: Context| self.records.iter().find(|record| record.contexts.contains(context)).copied();
        stands_in(context).or_else(|| match context {
            // These are locations to nginx, with values for everything that
            // a location has.
            Context::IfInLocation | Context::LimitExcept => {
                stands_in(Context::Location).filter(|record| record.inheritance != Inheritance::Sequence)
            }
            _ => None,
        })
    }

    /// The block around it whose values it can inherit.
    pub fn outer<'m>(&self, block: Block<'m>) -> Option<Block<'m>> {
        let record = self.record(block)?;
        let outer = block.parent()?;
        let outer_record = self.record(outer)?;
        // The main error_log is another module's, and is inherited.
        (outer_record == record || outer_record.module.family == Family::Core).then_some(outer)
    }

    /// What counts in a block.
    pub fn in_force<'m>(&self, block: Block<'m>) -> InForce<'m> {
        let chain: Vec<_> = std::iter::successors(Some(block), |block| self.outer(*block)).collect();
        let step = |outer: Option<InForce<'m>>, block: &Block<'m>| Some(self.step(*block, outer.as_ref()));
        chain.iter().rev().fold(None, step).unwrap_or_default()
    }

    /// What counts in a block, when it is known what counts around it.
    fn step<'m>(&self, block: Block<'m>, outer: Option<&InForce<'m>>) -> InForce<'m> {
        let Some(record) = self.record(block) else { return InForce::default() };
        let own = self.own(block);
        let lines: Vec<_> = own_that_count(&own, record);
        let mut found = InForce { unseen: self.is_unseen(block), ..InForce::default() };
        let empty = InForce::default();
        let outer = outer.unwrap_or(&empty);
        match self.takes_over(block, record) {
            TakeOver::Nothing => found.directives = lines,
            TakeOver::All => {
                found.directives = lines;
                found.directives.extend(&outer.directives);
                found.unseen |= outer.unseen;
            }
            TakeOver::UnlessOwn if lines.is_empty() => {
                found.switched_off_by = self.rival(block);
                if found.switched_off_by.is_none() {
                    found.directives.clone_from(&outer.directives);
                    found.switched_off_by = outer.switched_off_by;
                    found.unseen |= outer.unseen;
                }
            }
            TakeOver::UnlessOwn => found.directives = lines,
        }
        if found.switched_off_by.is_none() {
            found.defaults = defaults_beside(record, block.model().version(), &found.directives);
        }
        let before = match record.inheritance {
            // They were carried out, or may be in force.
            Inheritance::Sequence | Inheritance::Unknown => &[][..],
            _ => &outer.directives,
        };
        found.unseen |= record.inheritance == Inheritance::Unknown && own.is_empty() && !outer.directives.is_empty();
        let lost = before.iter().chain(&own).filter(|directive| !found.directives.contains(directive));
        found.discarded = lost.copied().collect();
        found
    }

    /// The lines right in a block, in order.
    fn own<'m>(&self, block: Block<'m>) -> Vec<Directive<'m>> {
        let mut own: Vec<_> = self.names.iter().flat_map(|name| block.directives(name)).collect();
        own.sort_unstable_by_key(|directive| directive.id());
        own
    }

    fn is_unseen(&self, block: Block<'_>) -> bool {
        self.names.iter().any(|name| block.is_unseen_for(name))
    }

    fn takes_over(&self, block: Block<'_>, record: &catalog::Directive) -> TakeOver {
        if !inherits(record.inheritance, block.kind()) {
            return TakeOver::Nothing;
        }
        let switch = self.inherit_switch.and_then(|switch| block.effective(switch).directive());
        match switch.and_then(|switch| switch.argument(0)).map(str::to_ascii_lowercase).as_deref() {
            Some("off") => TakeOver::Nothing,
            Some("merge") => TakeOver::All,
            _ => TakeOver::UnlessOwn,
        }
    }

    /// The line right in a block that switches the slot off.
    fn rival<'m>(&self, block: Block<'m>) -> Option<Directive<'m>> {
        let lines = self.rivals.iter().filter_map(|name| block.directive(name));
        lines.into_iter().find(|directive| directive.argument(0) != Some("off"))
    }
}

/// What a block takes over from the one around it.
enum TakeOver {
    Nothing,
    UnlessOwn,
    /// Behind its own.
    All,
}

/// Those of the lines of one level that count.
fn own_that_count<'m>(own: &[Directive<'m>], record: &catalog::Directive) -> Vec<Directive<'m>> {
    let off = own.iter().find(|directive| directive.name() == SILENCED && directive.argument(0) == Some("off"));
    if let Some(off) = off {
        return vec![*off];
    }
    let one = match record.duplicate {
        Duplicate::LastWins | Duplicate::Warn | Duplicate::Error => own.last(),
        Duplicate::Ignored => own.first(),
        Duplicate::Accumulate | Duplicate::ErrorSameZone | Duplicate::WarnPerValue | Duplicate::Unknown => {
            return own.to_vec();
        }
    };
    one.into_iter().copied().collect()
}

/// The defaults that are in force beside these lines.
fn defaults_beside(
    record: &'static catalog::Directive,
    version: Option<Version>,
    lines: &[Directive<'_>],
) -> Vec<&'static str> {
    let defaults = version.map_or(record.defaults, |version| record.default_in(version));
    if lines.is_empty() {
        return defaults.to_vec();
    }
    let says = |word: &str| lines.iter().any(|line| line.argument(0).is_some_and(|own| own.eq_ignore_ascii_case(word)));
    let first_word = |text: &'static str| text.split(' ').next().unwrap_or_default();
    match record.value {
        // Each name has a default of its own.
        ValueKind::KeyValue => defaults.iter().copied().filter(|text| !says(first_word(text))).collect(),
        // The first type of the default is always among them.
        ValueKind::MimeTypes => {
            let first = defaults.first().map(|text| first_word(text));
            let listed = |kind: &&str| lines.iter().any(|line| line.arguments().any(|own| own == *kind || own == "*"));
            first.into_iter().filter(|kind| !listed(kind)).collect()
        }
        _ => Vec::new(),
    }
}

/// The defaults of supported releases that are older than the newest ones;
/// none when it is known which release is meant.
pub fn earlier_defaults(record: &catalog::Directive, version: Option<Version>) -> &'static [EarlierDefaults] {
    if version.is_some() {
        return &[];
    }
    let supported = record.earlier_defaults.iter().take_while(|earlier| earlier.before > OLDEST_RELEASE);
    &record.earlier_defaults[..supported.count()]
}
