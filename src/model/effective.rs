//! Values in force, as rules ask for them: what a directive amounts to at a
//! place, and where that was said. What else there is to know about a place,
//! `in_force` knows.

use crate::catalog::{self, Context, Inheritance};

use super::{Block, Directive, Kind};

/// The value of a directive at a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Effective<'m> {
    /// This directive says it.
    Set(Directive<'m>),
    /// Nothing says it: the default is in force.
    Default,
    /// It may be said where it could not be seen.
    Unseen,
}

impl<'m> Effective<'m> {
    /// The directive that says it.
    pub fn directive(self) -> Option<Directive<'m>> {
        match self {
            Effective::Set(directive) => Some(directive),
            Effective::Default | Effective::Unseen => None,
        }
    }
}

/// The values of a directive that may stand more than once.
#[derive(Clone, PartialEq, Debug)]
pub struct EffectiveList<'m> {
    /// The directives in force, all of one level.
    pub directives: Vec<Directive<'m>>,
    /// Whether these are certainly all.
    pub complete: bool,
}

impl<'m> EffectiveList<'m> {
    /// Those whose first argument is this name, in any case, as for headers.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Directive<'m>> + 'a {
        let is_named =
            move |directive: &Directive<'m>| directive.argument(0).is_some_and(|own| own.eq_ignore_ascii_case(name));
        self.directives.iter().copied().filter(is_named)
    }
}

impl<'m> Block<'m> {
    /// The value in force in this block.
    ///
    /// A directive that is inherited is looked for outwards; one that is not
    /// is looked for here, and, as nginx does for what answers the requests of
    /// a location, in the location around an `if` or `limit_except`.
    pub fn effective(self, name: &str) -> Effective<'m> {
        let Some(index) = catalog::name_index(name) else { return Effective::Default };
        for block in self.reach(catalog::directives_of(index)) {
            if let Some(directive) = block.directive_of_index(index) {
                return Effective::Set(directive);
            }
            if block.is_unseen_for(name) {
                return Effective::Unseen;
            }
        }
        Effective::Default
    }

    /// All values in force in this block: those of the innermost level that
    /// has any.
    pub fn effective_list(self, name: &str) -> EffectiveList<'m> {
        for block in self.reach(catalog::find(name)) {
            let directives: Vec<_> = block.directives(name).collect();
            if !directives.is_empty() || block.is_unseen_for(name) {
                return EffectiveList { directives, complete: !block.is_unseen_for(name) };
            }
        }
        EffectiveList { directives: Vec::new(), complete: true }
    }

    /// Whether one more directive of this name in this block keeps those in
    /// force: the first one of a level cuts off all of the levels above.
    pub fn can_take_more(self, name: &str) -> bool {
        self.directive(name).is_some() || self.effective_list(name).directives.is_empty()
    }

    fn reach(self, known: &'static [catalog::Directive]) -> impl Iterator<Item = Block<'m>> {
        let inheritance = self.inheritance_of(known);
        self.outwards().scan(true, move |go_on, block| {
            let here = std::mem::replace(go_on, inherits(inheritance, block.kind()));
            here.then_some(block)
        })
    }

    /// What this block makes of the directives of a name around it. The
    /// same name can be another directive in another block: `resolver` of an
    /// `upstream` is not that of `http`.
    fn inheritance_of(self, known: &'static [catalog::Directive]) -> Inheritance {
        if let [only] = known {
            return only.inheritance;
        }
        let definition = self.outwards().find_map(|block| {
            let Kind::Directives(context) = block.kind() else { return None };
            known.iter().find(|directive| directive.contexts.contains(context))
        });
        definition.or(known.first()).map_or(Inheritance::Unknown, |directive| directive.inheritance)
    }
}

/// Whether a block of this kind takes over what stands around it.
pub(super) fn inherits(inheritance: Inheritance, kind: Kind) -> bool {
    match inheritance {
        Inheritance::Override | Inheritance::ReplaceAll => true,
        Inheritance::IntoIf => kind == Kind::Directives(Context::IfInLocation),
        Inheritance::IntoUnnamed => matches!(kind, Kind::Directives(Context::IfInLocation | Context::LimitExcept)),
        Inheritance::None | Inheritance::Sequence | Inheritance::NotApplicable | Inheritance::Unknown => false,
    }
}
