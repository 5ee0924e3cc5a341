//! What a configuration means: the block each directive stands in, the values
//! in force, groups of servers, targets of requests, values of variables.
//!
//! Built once from the tree and read by the rules. It judges nothing and knows
//! no rule. What it cannot know, because a file was out of sight or broken, it
//! calls unseen; a rule must then keep silent. Whatever only some rules need
//! is computed when the first of them asks.

mod address;
mod buffer;
mod build;
mod capture;
mod directive;
mod disk;
mod dispatch;
mod effective;
mod endpoint;
mod evidence;
mod failing;
mod fragment;
mod geo;
mod governed;
mod handler;
mod handshake;
mod hash_key;
mod heard;
mod host;
mod in_force;
mod keepalive;
mod kept_open;
mod listener;
mod location;
mod log;
mod lookup;
mod mention;
mod mistyped;
mod no_live;
mod obsolete;
mod own_listener;
mod parallel;
mod passed_path;
mod profile;
mod reached;
mod reading;
mod regex;
mod resolver;
mod retraced;
pub mod route;
mod running;
mod server_name;
mod socket;
mod syslog;
mod taken;
mod target;
mod template;
mod timeout;
mod tls;
mod tls_pass;
mod together;
mod upstream;
mod value;
mod variable;
mod worker;
mod zone;

pub use address::{
    Address, AddressError, AddressForm, Cidr, HostAddress, SocketAddress, parse_address, parse_cidr, parse_ipv4,
    parse_ipv6, parse_local_address,
};
pub use buffer::{PAGE, Sizes, written_size};
pub use capture::{Capture, captures_of};
pub use directive::{Block, Directive, Place, has_placeholder};
pub use disk::{Base, Directory, Purpose as DirectoryPurpose};
pub use dispatch::{Misfit, swallowed_word};
pub use effective::{Effective, EffectiveList};
pub use endpoint::Endpoint;
pub use evidence::Seen;
pub use failing::{Failure, FailureKind};
pub use fragment::{UnknownContext, looks_like_nginx, marked_context, outermost_context};
pub use geo::{GeoNetworks, GeoRanges, Ipv4Range, Overlap, parse_range};
pub use handler::{HANDLERS, find_answer};
pub use handshake::{Handshake, PossibleWay, Verification};
pub use hash_key::{HashKeyError, HashKeys, bucket_size, fits_bucket};
pub use heard::{Found, Talks, is_path};
pub use host::{
    HostNameKind, is_cluster_service, is_loopback, is_of_hosts_file, is_placeholder_name, is_private, kind_of_host_name,
};
pub use in_force::{InForce, NoSlot, Slot, earlier_defaults};
pub use keepalive::{KEPT_BY_DEFAULT_SINCE, Kept, KeptConnections};
pub use kept_open::CacheWords;
pub use listener::{ListenOptions, Listener, Listening, family_of_server, is_of_socket, listen_form};
pub use location::{LocationError, LocationHead, LocationKind};
pub use log::{LogBuffer, LogParameterError};
pub use lookup::RunTimeHosts;
pub use mention::{Mention, NotAVariable, Pattern, WhyNot};
pub use no_live::{FAILING_ANSWERS, NoLive, NoLiveCause};
pub use obsolete::once_read;
pub use profile::{OLDEST_RELEASE, Profile, Surroundings, is_first_in_plus};
pub use reached::Reached;
pub use reading::evaluated_since;
pub use regex::{Regex, RegexError, compile_regex};
pub use resolver::{InScope, NameServer, NameServerKind, Resolver};
pub use retraced::Turn;
pub use running::{KnownFrom, Unloaded, WorkerFiles};
pub use server_name::{NameKind, ServerName, kind_of_name};
pub use socket::SocketUse;
pub use syslog::{SyslogError, check_syslog, syslog_facilities, syslog_severities};
pub use taken::Taken;
pub use target::{
    Host, PASS_AND_SERVER_NAMES, PASS_DIRECTIVES, PASS_NAMES, Protocol, Target, split_address, split_target,
};
pub use template::Template;
pub use timeout::{
    CONNECT_TIMEOUTS, DEFAULT_TIMEOUT, NEXT_UPSTREAMS, READ_TIMEOUTS, looks_like_milliseconds, time_in_force,
    time_in_words, tries_in_force,
};
pub use tls::{ServerCertificates, tls_of_pass};
pub use tls_pass::{TLS_PASS_NAMES, TlsPass, TlsPeer, is_public_name};
pub use together::{TimeoutInForce, Together};
pub use upstream::{Balancer, Server, Upstream};
pub use value::{parse_flag, parse_milliseconds, parse_number, parse_offset, parse_seconds, parse_size};
pub use variable::Values;
pub use worker::{DEFAULT_CONNECTIONS, WorkerConnections, WorkerCount, WorkerProcesses};
pub use zone::{Purpose, SMALLEST_KEYS_ZONE, SMALLEST_ZONE, ZoneSize, ZoneUse, split_zone};

pub use crate::tree::{Include, Nothing, is_leftover_name};

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use rustc_hash::FxHashSet;

use crate::catalog::{self, Context, Family, Origin, Version};
use crate::source::{FileId, Location, SourceFile, Span};
use crate::syntax::ParsedFile;
use crate::tree::{Cycle, InclusionId, NodeId, PACKAGED, Tree};

const _: () = assert!(PACKAGED.len() <= u16::BITS as usize);

/// Index of a block; block 0 is the outermost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockId(pub u32);

/// What a block holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Directives of a context.
    Directives(Context),
    /// Lines that are no directives: `map`, `geo`, `types`.
    Data,
    /// The block of a directive that the catalog does not know.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct BlockData {
    kind: Kind,
    /// The directive that opens it; [`NodeId::NONE`] for the outermost ones.
    node: NodeId,
    parent: Option<BlockId>,
    /// Something in it was out of sight or broken.
    unseen: bool,
    /// Files of the nginx package that were not at hand: a bit for each entry
    /// of [`PACKAGED`].
    packaged: u16,
    /// Its directives in [`Model::by_name`].
    first: u32,
    count: u32,
}

/// The meaning of one configuration.
#[derive(Debug)]
pub struct Model<'t> {
    tree: &'t Tree,
    profile: Profile,
    /// For each node, the catalog's index of its name, or `NO_NAME`.
    names: Vec<u16>,
    /// For each node, the block it stands in.
    block_of: Vec<BlockId>,
    blocks: Vec<BlockData>,
    /// The directives of all blocks, block by block, sorted by name.
    by_name: Vec<(u16, NodeId)>,
    /// For each name of the catalog, whether some directive has it.
    occurring: Vec<bool>,
    name_order: OnceLock<NameOrder>,
    whole: OnceLock<Vec<Family>>,
    misfits: OnceLock<Vec<(NodeId, Misfit)>>,
    upstreams: OnceLock<upstream::Groups>,
    targets: OnceLock<Vec<NodeId>>,
    included_once: OnceLock<Vec<bool>>,
    target_index: OnceLock<target::TargetIndex>,
    endpoints: OnceLock<endpoint::Endpoints>,
    evidence_index: OnceLock<evidence::EvidenceIndex>,
    kept: OnceLock<FxHashMap<NodeId, Kept>>,
    fixed_targets: OnceLock<target::FixedTargets>,
    variables: OnceLock<variable::Definitions>,
    mentions: OnceLock<mention::Mentions>,
    route_variables: OnceLock<route::Definitions>,
    log_formats: OnceLock<log::LogFormats>,
    compiled_patterns: OnceLock<mention::CompiledPatterns>,
    zones: OnceLock<Vec<zone::Entry>>,
    zone_names: OnceLock<FxHashSet<String>>,
    mistyped: OnceLock<Vec<mistyped::Entry>>,
    /// Of http, stream and mail.
    listeners: [OnceLock<listener::Listeners>; 3],
}

/// The name of a node that the catalog does not know, or of a line of data.
const NO_NAME: u16 = u16::MAX;

/// The directives of each name, in the order of the configuration.
#[derive(Debug)]
struct NameOrder {
    /// For each name of the catalog, where its directives begin in `nodes`.
    first: Vec<u32>,
    nodes: Vec<NodeId>,
}

impl NameOrder {
    fn new(names: &[u16]) -> NameOrder {
        let mut first = vec![0u32; catalog::name_count() + 1];
        for name in names.iter().filter(|name| **name != NO_NAME) {
            first[usize::from(*name) + 1] += 1;
        }
        for index in 1..first.len() {
            first[index] += first[index - 1];
        }
        let mut next = first.clone();
        let mut nodes = vec![NodeId::NONE; first.last().map_or(0, |count| *count as usize)];
        for (id, name) in (0..).zip(names).filter(|(_, name)| **name != NO_NAME) {
            let slot = &mut next[usize::from(*name)];
            nodes[*slot as usize] = NodeId(id);
            *slot += 1;
        }
        NameOrder { first, nodes }
    }

    fn nodes_of(&self, name: u16) -> &[NodeId] {
        let name = usize::from(name);
        &self.nodes[self.first[name] as usize..self.first[name + 1] as usize]
    }
}

impl<'t> Model<'t> {
    /// The meaning of a tree whose first file stands in `outermost`:
    /// [`Context::Main`] for a whole configuration.
    pub fn new(tree: &'t Tree, outermost: Context, profile: Profile) -> Model<'t> {
        build::build(tree, outermost, profile)
    }

    /// The release that will read the configuration; none when it may be any.
    pub fn version(&self) -> Option<Version> {
        self.profile.version
    }

    /// Finds out side by side what most rules ask for; each would wait for the
    /// first to ask. For those who are about to ask most of them.
    pub fn prepare(&self) {
        let work: [&(dyn Fn(&Model<'t>) + Sync); 5] = [
            &|model| {
                let _ = model.misfits();
            },
            &|model| {
                let _ = model.variable_reads(Family::Http).next();
            },
            &|model| {
                let _ = model.targets_reading(Family::Http, "").next();
            },
            &|model| {
                let _ = model.listeners(Family::Http).next();
            },
            &|model| {
                let _ = model.is_whole(Family::Http);
            },
        ];
        parallel::map_pieces(work.len(), 1, |range| range.for_each(|index| work[index](self)));
    }

    /// What the configuration is judged for.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What stands around nginx.
    pub fn surroundings(&self) -> &Surroundings {
        &self.profile.surroundings
    }

    /// Whether the release may be older than `version`.
    pub fn may_be_before(&self, version: Version) -> bool {
        self.profile.version.is_none_or(|target| target < version)
    }

    /// The files.
    pub fn files(&self) -> &'t [ParsedFile] {
        &self.tree.files
    }

    /// A file.
    pub fn source(&self, file: FileId) -> &'t SourceFile {
        &self.tree.file(file).source
    }

    /// A place in a file, reached by the first include that brought it in.
    pub fn place_in_file(&self, file: FileId, span: Span) -> Place {
        let first = self.tree.inclusions.iter().position(|inclusion| inclusion.file == file).unwrap_or(0);
        Place { location: Location { file, span }, inclusion: InclusionId(first as u32) }
    }

    /// The outermost block of the configuration.
    pub fn main(&self) -> Block<'_> {
        self.block(BlockId(0))
    }

    /// Whether it is for NGINX Plus: the user says so, or some directive is
    /// known to NGINX Plus alone and the user does not say otherwise.
    pub fn is_for_plus(&self) -> bool {
        self.profile.is_plus() || (!self.profile.is_without_plus() && self.first_of_plus().is_some())
    }

    /// The first directive that NGINX Plus alone has.
    pub fn first_of_plus(&self) -> Option<Directive<'_>> {
        let only_in_plus = |name: &u16| {
            let known = catalog::directives_of(*name);
            !known.is_empty() && known.iter().all(|directive| directive.module.origin == Origin::Plus)
        };
        let names = (0..catalog::name_count() as u16).filter(|name| self.has_directives_named(*name));
        let firsts =
            names.filter(only_in_plus).filter_map(|name| self.directives_named(&[catalog::name_of(name)]).next());
        firsts.min_by_key(|directive| directive.id())
    }

    /// All blocks, an outer one before those in it.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        (0..self.blocks.len() as u32).map(|id| self.block(BlockId(id)))
    }

    /// How many blocks there are.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The block at a place in the order of [`Model::blocks`].
    pub fn block_at(&self, index: usize) -> Block<'_> {
        self.block(BlockId(index as u32))
    }

    /// The innermost blocks around a line: one for each time that its file is
    /// included. A line outside of all blocks of its file stands in the block
    /// that the file is included in.
    pub fn blocks_around(&self, file: FileId, line: u32) -> Vec<Block<'_>> {
        let source = self.source(file);
        let mut found: Vec<(InclusionId, Block<'_>)> = Vec::new();
        for id in self.tree.node_ids().filter(|id| self.tree.node(*id).file == file) {
            let directive = self.directive(id);
            let inclusion = self.tree.node(id).inclusion;
            let entry = found.iter().rposition(|(other, _)| *other == inclusion);
            let entry = entry.unwrap_or_else(|| {
                found.push((inclusion, directive.parent()));
                found.len() - 1
            });
            let whole = directive.whole().span;
            let lines = source.line(whole.start)..=source.line(whole.end.saturating_sub(1));
            if let Some(block) = directive.block().filter(|_| lines.contains(&line)) {
                found[entry].1 = block;
            }
        }
        found.into_iter().map(|(_, block)| block).collect()
    }

    /// How many directives there are, those of included files each time.
    pub fn directive_count(&self) -> usize {
        self.tree.nodes.len()
    }

    /// The directive at a place in the order of the configuration.
    pub fn directive(&self, id: NodeId) -> Directive<'_> {
        Directive::new(self, id)
    }

    /// Whether the main file is another one, which is not known.
    pub fn is_fragment(&self) -> bool {
        self.tree.is_fragment
    }

    /// Whether the configuration has directives whose name has this index in
    /// the catalog.
    pub fn has_directives_named(&self, name: u16) -> bool {
        self.occurring[usize::from(name)]
    }

    /// The directives of these names, in the order of the configuration.
    pub fn directives_named(&self, names: &[&str]) -> impl Iterator<Item = Directive<'_>> + use<'_, 't> {
        let index = self.name_order.get_or_init(|| NameOrder::new(&self.names));
        let slices = names.iter().filter_map(|name| Some(index.nodes_of(catalog::name_index(name)?)));
        let mut nodes: Vec<NodeId> = slices.flatten().copied().collect();
        if names.len() > 1 {
            nodes.sort_unstable();
        }
        nodes.into_iter().map(|id| self.directive(id))
    }

    /// The catalog's index of a directive's name; none for a line of data and
    /// for a name the catalog does not know.
    pub fn name_index(&self, id: NodeId) -> Option<u16> {
        Some(self.names[id.index()]).filter(|name| *name != NO_NAME)
    }

    /// Directives of a family whose names the catalog does not know.
    pub fn unknown_directives(&self, family: Family) -> impl Iterator<Item = Directive<'_>> {
        let unknown = self.tree.node_ids().filter(|id| self.name_index(*id).is_none());
        let directives = unknown.map(|id| self.directive(id));
        directives.filter(move |directive| match directive.parent().kind() {
            Kind::Directives(context) => context.family() == family,
            Kind::Data | Kind::Unknown => false,
        })
    }

    /// Whether everything that `http {}`, `stream {}` or `mail {}` can hold
    /// was seen: only then is something that is not found in it not there.
    pub fn is_whole(&self, family: Family) -> bool {
        self.whole.get_or_init(|| self.find_whole_families()).contains(&family)
    }

    fn find_whole_families(&self) -> Vec<Family> {
        let mut whole = vec![Family::Core, Family::Events, Family::Http, Family::Stream, Family::Mail];
        for block in self.blocks().filter(|block| block.is_unseen()) {
            // What a broken main context would hold may be any block.
            let broken = block.outwards().find_map(|outer| match outer.kind() {
                Kind::Directives(context) => Some(context.family()),
                Kind::Data | Kind::Unknown => None,
            });
            match broken {
                Some(Family::Core) | None => whole.clear(),
                Some(family) => whole.retain(|known| *known != family),
            }
        }
        whole
    }

    /// Includes that lead back to themselves.
    pub fn cycles(&self) -> &'t [Cycle] {
        &self.tree.cycles
    }

    /// Includes that were not followed because the configuration grew too
    /// large.
    pub fn cut_includes(&self) -> impl Iterator<Item = Directive<'_>> {
        self.tree.cut.iter().map(|node| self.directive(*node))
    }

    fn block(&self, id: BlockId) -> Block<'_> {
        Block::new(self, id)
    }
}
