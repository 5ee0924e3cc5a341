//! What the probe sees of a machine: of one that is laid out in a directory,
//! and of the one that this runs on.

#![cfg(all(target_os = "linux", target_endian = "little"))]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nginx_lint::catalog::Context;
use nginx_lint::facts::{Facts, FileFact, FileKind, ListeningSocket, User};
use nginx_lint::model::{Model, Profile};
use nginx_lint::probe::machine::{self, Sources};
use nginx_lint::tree::{self, Disk, Files, Memory, Places};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use support::nginx::{Setup, installed};
use tempfile::TempDir;

/// A machine in a directory.
struct Fake {
    directory: TempDir,
}

const MAIN: &str = "/etc/nginx/nginx.conf";

impl Fake {
    /// With users, a first process, and a unit that starts nginx as root.
    fn new() -> Fake {
        let fake = Fake { directory: TempDir::new().expect("a directory") };
        fs::set_permissions(fake.directory.path(), fs::Permissions::from_mode(0o755)).expect("our directory");
        fake.put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n");
        fake.put("/etc/group", "root:x:0:\nwww-data:x:33:\nssl:x:105:postgres,www-data\n");
        fake.put("/proc/1/cmdline", "/sbin/init\0");
        fake.put("/lib/systemd/system/nginx.service", "[Unit]\n[Service]\nType=forking\n");
        fake
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    fn directory_for(&self, path: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("our directory");
    }

    fn put(&self, path: &str, text: &str) {
        self.directory_for(path);
        fs::write(self.at(path), text).expect("our directory");
        self.mode(path, 0o644);
    }

    /// Written by another process: a program that this one has open cannot be
    /// run, and neither while a child of another test has it.
    fn put_program(&self, path: &str, text: &str) {
        self.put(path, "");
        self.mode(path, 0o755);
        let script = format!("cat > '{}' <<'END'\n{text}\nEND\n", self.at(path).display());
        assert!(Command::new("sh").args(["-c", &script]).status().expect("a shell").success());
    }

    fn link(&self, path: &str, target: &str) {
        self.directory_for(path);
        symlink(target, self.at(path)).expect("our directory");
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).expect("our file");
    }

    /// What is seen with this configuration.
    fn look(&self, text: &str) -> Facts {
        let files: Memory = [(Path::new(MAIN), text.as_bytes().to_vec())].into_iter().collect();
        look(&Sources { root: self.directory.path().to_owned() }, &files, Path::new(MAIN))
    }
}

fn look(sources: &Sources, files: &impl Files, main: &Path) -> Facts {
    let tree = tree::load(files, main, &Places::of_entry(main, main)).expect("the main file");
    let model = Model::new(&tree, Context::Main, Profile::default());
    let mut facts = Facts::default();
    machine::look(sources, &[&model], &|_, _, _| {}, &mut facts);
    facts
}

fn missed<'f>(facts: &'f Facts, what: &str) -> Option<&'f str> {
    facts.not_examined.iter().find(|entry| entry.what.contains(what)).map(|entry| entry.why.as_str())
}

#[test]
fn limits_of_the_machine() {
    let fake = Fake::new();
    let files = [
        ("/sys/devices/system/cpu/online", "0-3\n"),
        ("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0,2\n"),
        ("/proc/self/cgroup", "0::/system.slice/doctor.service\n"),
        ("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n"),
        ("/sys/fs/cgroup/system.slice/doctor.service/cpu.max", "max 100000\n"),
        ("/sys/fs/cgroup/system.slice/doctor.service/memory.max", "1048576\n"),
        ("/proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n"),
        ("/proc/sys/fs/file-max", "1000\n"),
        ("/proc/sys/fs/file-nr", "320\t0\t1000\n"),
        ("/proc/sys/fs/nr_open", "1048576\n"),
        ("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
        ("/proc/sys/net/core/somaxconn", "4096\n"),
        ("/proc/sys/net/ipv4/ip_nonlocal_bind", "1\n"),
        ("/proc/net/if_inet6", ""),
        ("/etc/security/limits.conf", "# * soft nofile 1\n*  soft nofile 2048 # more\n* hard nproc 5\n"),
        ("/etc/security/limits.d/90-web.conf", "\nwww-data - nofile 4096\n"),
        ("/sys/fs/selinux/enforce", "1"),
        ("/sys/fs/selinux/booleans/httpd_can_network_connect", "0 0"),
        ("/run/.containerenv", ""),
    ];
    files.iter().for_each(|(path, text)| fake.put(path, text));
    let machine = fake.look("events {}").machine;
    assert_eq!((machine.cpus, machine.usable_cpus), (Some(4), Some(2)));
    assert_eq!((machine.cpu_quota_thousandths, machine.memory_limit), (Some(1500), Some(1_048_576)));
    assert_eq!((machine.memory, machine.file_max), (Some(2 * 1024 * 1024), Some(1000)));
    assert_eq!((machine.files_open, machine.nr_open), (Some(320), Some(1_048_576)));
    assert_eq!((machine.local_ports, machine.somaxconn), (Some((32768, 60999)), Some(4096)));
    assert_eq!((machine.nonlocal_bind, machine.ipv6), (Some(true), Some(true)));
    assert_eq!(machine.container.as_deref(), Some("podman"));
    let lines = [
        "/etc/security/limits.conf:2: *  soft nofile 2048 # more",
        "/etc/security/limits.d/90-web.conf:2: www-data - nofile 4096",
    ];
    assert_eq!(machine.limits_conf, lines);
    let selinux = machine.selinux.expect("it is there");
    assert_eq!((selinux.enforcing, selinux.network_connect, selinux.domain), (true, Some(false), None));
}

#[test]
fn control_groups_of_version_1_and_no_limits() {
    let fake = Fake::new();
    fake.put("/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n1:name=systemd:/x\n");
    fake.put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
    fake.put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    fake.put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    fake.put("/proc/1/cgroup", "0::/init.scope\n");
    let machine = fake.look("events {}").machine;
    assert_eq!((machine.cpu_quota_thousandths, machine.memory_limit), (Some(500), None));
    assert_eq!(machine.container.as_deref(), Some(""), "it was looked at, and is none");
    assert_eq!(machine.selinux, None);
    assert_eq!((machine.cpus, machine.somaxconn, machine.ipv6), (None, None, None), "nobody knows");
}

const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

fn row(local: &str, remote: &str, state: &str, waiting: u32, inode: u32) -> String {
    format!("   0: {local} {remote} {state} 00000000:{waiting:08X} 00:00000000 00000000  1000        0 {inode} 1 0\n")
}

#[test]
fn tables_of_sockets() {
    let fake = Fake::new();
    let nobody = "00000000:0000";
    let mut tcp =
        HEAD.to_owned() + &row("0100007F:0BB8", nobody, "0A", 3, 501) + &row("00000000:0050", nobody, "0A", 0, 502);
    tcp.push_str(&row("00000000:0050", nobody, "0A", 2, 503));
    // 1,000 connections to 10.0.0.1:80 and 999 to 10.0.0.2:80.
    (0..1000)
        .for_each(|port| tcp.push_str(&row(&format!("0100007F:{:04X}", 40000 + port), "0100000A:0050", "06", 0, 0)));
    (0..999)
        .for_each(|port| tcp.push_str(&row(&format!("0100007F:{:04X}", 40000 + port), "0200000A:0050", "01", 0, 9)));
    let none6 = "00000000000000000000000000000000:0000";
    let tcp6 = HEAD.to_owned()
        + &row("00000000000000000000000000000000:0050", none6, "0A", 0, 504)
        + &row("0000000000000000FFFF00000100007F:1F90", none6, "0A", 0, 505);
    let udp = HEAD.to_owned()
        + &row("00000000:0035", nobody, "07", 0, 506)
        + &row("0100007F:0036", "0100007F:0035", "01", 0, 507);
    let unix =
        "Num RefCount Protocol Flags Type St Inode Path\nffff: 00000002 00000000 00010000 0001 01 508 /run/app.sock\n";
    [("tcp", tcp.as_str()), ("tcp6", &tcp6), ("udp", &udp), ("unix", unix)]
        .iter()
        .for_each(|(name, text)| fake.put(&format!("/proc/net/{name}"), text));
    fake.put("/proc/70/comm", "node\n");
    fake.link("/proc/70/fd/19", "socket:[501]");
    fake.put("/proc/80/comm", "nginx\n");
    fake.link("/proc/80/fd/6", "socket:[503]");
    fake.put("/proc/75/comm", "nginx\n");
    fake.link("/proc/75/fd/6", "socket:[503]");
    let facts = fake.look("events {}");
    let socket = |address: &str, waiting: Option<u64>, owner: Option<(u32, &str)>| ListeningSocket {
        address: address.to_owned(),
        udp: false,
        process: owner.map(|(_, name)| name.to_owned()),
        pid: owner.map(|(pid, _)| pid),
        waiting,
        backlog: None,
        only_ipv6: None,
    };
    let expected = vec![
        socket("0.0.0.0:80", Some(2), Some((75, "nginx"))),
        socket("127.0.0.1:3000", Some(3), Some((70, "node"))),
        socket("127.0.0.1:8080", Some(0), None),
        socket("[::]:80", Some(0), None),
        socket("unix:/run/app.sock", None, None),
        ListeningSocket { udp: true, ..socket("0.0.0.0:53", None, None) },
    ];
    assert_eq!(facts.listening, Some(expected));
    assert_eq!(facts.machine.outgoing.into_iter().collect::<Vec<_>>(), [("10.0.0.1:80".to_owned(), 1000)]);
    let facts = Fake::new().look("events {}");
    assert_eq!((facts.listening.as_ref(), missed(&facts, "/proc/net/tcp")), (None, Some("no such file or directory")));
}

const BINARY: &str = "#!/bin/sh
cat >&2 <<'SAID'
nginx version: nginx/1.24.0 (Somewhere)
built by gcc
configure arguments: --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --with-cc-opt='-g -O2' \
--http-proxy-temp-path=/var/lib/nginx/proxy --error-log-path=stderr --user=www-data --with-http_ssl_module
SAID";

/// A process of nginx.
fn process(fake: &Fake, pid: u32, parent: u32, title: &str, exe: &str) {
    let directory = format!("/proc/{pid}");
    fake.put(&format!("{directory}/cmdline"), &format!("{title}\0\0\0"));
    let rest = format!("S {parent} 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 {} 1 1", u64::from(pid) * 100);
    fake.put(&format!("{directory}/stat"), &format!("{pid} (ngi) nx) {rest}\n"));
    let status = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t9\nGroups:\t0 \nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-1\n";
    fake.put(&format!("{directory}/status"), status);
    let limits = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \n";
    fake.put(&format!("{directory}/limits"), limits);
    fake.put(&format!("{directory}/cgroup"), "0::/system.slice/nginx.service\n");
    fake.link(&format!("{directory}/exe"), exe);
    fake.link(&format!("{directory}/fd/0"), "/dev/null");
    fake.link(&format!("{directory}/fd/1"), "/dev/null");
}

#[test]
fn the_nginx_that_runs() {
    let fake = Fake::new();
    fake.put_program("/usr/sbin/nginx", BINARY);
    fake.put(MAIN, "");
    fake.put("/proc/stat", "cpu 1\nbtime 1700000000\n");
    let title = "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;";
    process(&fake, 50, 1, title, "/usr/sbin/nginx (deleted)");
    process(&fake, 60, 50, "nginx: worker process", "/usr/sbin/nginx (deleted)");
    process(&fake, 61, 50, "nginx: worker process is shutting down", "/usr/sbin/nginx (deleted)");
    process(&fake, 70, 1, "nginx: master process nginx -c /srv/other.conf", "/usr/sbin/nginx");
    process(&fake, 71, 70, "nginx: worker process", "/usr/sbin/nginx");
    // Of a container, seen from outside.
    process(&fake, 80, 1, title, "/usr/sbin/nginx");
    fake.put("/proc/80/status", "NSpid:\t80\t1\n");
    fake.put("/etc/systemd/system/nginx.service.d/limits.conf", "[Service]\nLimitNOFILE=65536\nPrivateTmp=true\n");
    let facts = fake.look("http { server { location / { proxy_pass http://127.0.0.1:1; } access_log logs/a.log; } }");
    let nginx = &facts.nginx;
    let binary = nginx.binary.as_ref().expect("it is there");
    assert_eq!((binary.path.as_str(), binary.version.as_str()), ("/usr/sbin/nginx", "1.24.0"));
    assert_eq!(binary.option("--prefix"), Some("/usr/share/nginx"));
    assert!(binary.arguments.contains(&"--with-http_ssl_module".to_owned()));
    assert!(!binary.arguments.iter().any(|argument| argument.contains("-O2")));
    assert_eq!(nginx.runs, Some(true));
    let master = nginx.master.as_ref().expect("it runs");
    assert_eq!((master.pid, master.uid, master.is_replaced), (50, Some(0), Some(true)));
    assert_eq!(
        (master.open_files_soft, master.open_files_hard, master.files_open),
        (Some(1024), Some(524_288), Some(2))
    );
    assert_eq!(master.may_raise_limits, Some(true));
    assert!(master.started_at.is_some_and(|time| (1_700_000_001..1_700_000_500).contains(&time)), "{master:?}");
    assert_eq!(nginx.workers.iter().map(|worker| worker.pid).collect::<Vec<_>>(), [60]);
    let unit = nginx.unit.as_ref().expect("it is there");
    assert_eq!((unit.name.as_str(), unit.limit_nofile, unit.private_tmp), ("nginx.service", Some(65536), Some(true)));
    let files = ["/lib/systemd/system/nginx.service", "/etc/systemd/system/nginx.service.d/limits.conf"];
    assert_eq!(unit.files, files);
    assert_eq!(nginx.user, Some(User { name: "www-data".to_owned(), uid: 33, groups: vec![33, 105] }));
    assert_eq!(facts.machine.usable_cpus, Some(2));
    let kinds = |path: &str| facts.files.get(path).map(|file| file.kind);
    assert_eq!(kinds("/usr/share/nginx/logs/a.log"), Some(FileKind::Missing), "below the prefix");
    assert_eq!(kinds("/var/lib/nginx/proxy"), Some(FileKind::Missing), "built in");
    assert_eq!(kinds("stderr"), None);
}

#[test]
fn an_nginx_that_does_not_run_and_one_that_nobody_can_tell_of() {
    let config = "user nobody-knows; error_log logs/error.log; http { root html; }";
    let fake = Fake::new();
    let facts = fake.look(config);
    assert_eq!((facts.nginx.runs, facts.nginx.master.is_none()), (Some(false), true));
    assert_eq!(facts.nginx.unit.as_ref().map(|unit| unit.limit_nofile), Some(Some(0)), "none set");
    assert_eq!(facts.nginx.user, None);
    assert_eq!(missed(&facts, "nobody-knows"), Some("there is none of this name"));
    assert_eq!(missed(&facts, "logs/error.log"), Some("the directory that it begins at is not known"));
    fake.put_program("/usr/sbin/nginx", BINARY);
    let facts = fake.look(config);
    assert_eq!(facts.nginx.prefix.as_deref(), Some("/usr/share/nginx"), "it reads this file without being told");
    fake.put_program("/usr/sbin/nginx", &BINARY.replace("/etc/nginx/nginx.conf", "/etc/other.conf"));
    let facts = fake.look(config);
    assert_eq!(facts.nginx.prefix, None, "nobody knows what it will be told");
    fs::remove_dir_all(fake.at("/proc/1")).expect("our directory");
    let facts = fake.look(config);
    assert_eq!(facts.nginx.runs, None, "others' processes are not shown");
    assert!(missed(&facts, "whether nginx runs").is_some());
    let facts = Fake::new().look("master_process off;");
    assert_eq!(facts.nginx.runs, None, "it would go by another name");
}

#[test]
fn what_a_worker_may_do_with_files() {
    let fake = Fake::new();
    fake.put("/srv/open/file", "");
    fake.put("/srv/open/closed", "");
    fake.mode("/srv/open/closed", 0o600);
    fake.put("/srv/open/writable", "");
    fake.mode("/srv/open/writable", 0o666);
    fake.put("/srv/shut/file", "");
    fake.link("/srv/open/link", "../shut/file");
    fake.link("/srv/open/absolute", "/srv/open/writable");
    fake.link("/srv/open/nowhere", "gone");
    fake.link("/srv/open/circle", "circle");
    fake.link("/srv/open/log", "/dev/stderr");
    fake.link("/dev/stderr", "/proc/self/fd/2");
    fake.link("/proc/self/fd/2", "pipe:[1]");
    fake.mode("/proc/self/fd", 0o500);
    fake.mode("/srv/shut", 0o750);
    fs::create_dir_all(fake.at("/srv/list")).expect("our directory");
    fake.mode("/srv/list", 0o777);
    fake.mode("/srv/open", 0o755);
    fake.directory_for("/run/app/app.sock");
    let _socket = UnixListener::bind(fake.at("/run/app/app.sock")).expect("a socket");
    fake.mode("/run/app/app.sock", 0o660);
    let names = [
        "open/file",
        "open/closed",
        "open/writable",
        "shut/file",
        "open/link",
        "open/absolute",
        "open/nowhere",
        "open/circle",
        "open/file/below",
        "open/log",
        "list",
    ];
    let roots: String = names.iter().map(|name| format!("server {{ root /srv/{name}; }}\n")).collect();
    let facts = fake.look(&format!(
        "user www-data; http {{ {roots} upstream a {{ server unix:/run/app/app.sock; }}
        server {{ root /srv/$host; ssl_certificate data:secret; location / {{ proxy_pass http://unix:/run/none/x.sock:/; }} }} }}"
    ));
    let seen = |path: &str| {
        let file = facts.files.get(path).unwrap_or_else(|| panic!("{path}: {:?}", facts.files.keys()));
        (file.kind, file.worker_reads, file.worker_writes, file.worker_stops_at.as_deref())
    };
    use FileKind::{Directory, File, Missing, Other, Socket, Unknown};
    let shut = Some("/srv/shut");
    let table = [
        ("/srv/open/file", (File, Some(true), Some(false), None)),
        ("/srv/open/closed", (File, Some(false), Some(false), None)),
        ("/srv/open/writable", (File, Some(true), Some(true), None)),
        ("/srv/shut/file", (File, Some(false), Some(false), shut)),
        ("/srv/open/link", (File, Some(false), Some(false), shut)),
        ("/srv/open/absolute", (File, Some(true), Some(true), None)),
        ("/srv/open/nowhere", (Missing, None, None, None)),
        ("/srv/open/circle", (Unknown, None, None, None)),
        ("/srv/open/file/below", (Missing, None, None, None)),
        ("/srv/open/log", (Other, None, None, None)),
        ("/srv/list", (Directory, Some(true), Some(true), None)),
        ("/run/app/app.sock", (Socket, Some(false), Some(false), None)),
        ("/run/app", (Directory, Some(true), Some(false), None)),
        ("/run/none/x.sock", (Missing, None, None, None)),
        ("/run/none", (Missing, None, None, None)),
    ];
    for (path, expected) in table {
        assert_eq!(seen(path), expected, "{path}");
    }
    assert_eq!(missed(&facts, "/srv/open/circle"), Some("too many links"));
    assert_eq!(missed(&facts, "data:"), Some("it is not in a file"));
    assert!(missed(&facts, "secret").is_none());
    let file = &facts.files["/srv/open/closed"];
    let metadata = fs::metadata(fake.at("/srv/open/closed")).expect("our file");
    assert_eq!((file.mode, file.modified), (Some(0o600), Some(metadata.mtime())));
    assert!(file.free_bytes.is_some() && file.total_bytes > file.free_bytes, "{file:?}");
    if metadata.uid() == 0 {
        assert_eq!(file.owner.as_deref(), Some("root"));
    }
}

#[test]
fn root_may_do_everything() {
    let fake = Fake::new();
    fake.put("/srv/shut/file", "");
    fake.mode("/srv/shut", 0o700);
    fake.mode("/srv/shut/file", 0o000);
    let facts = fake.look("user root; http { root /srv/shut/file; }");
    let file: &FileFact = &facts.files["/srv/shut/file"];
    assert_eq!((file.worker_reads, file.worker_writes, file.worker_stops_at.as_ref()), (Some(true), Some(true), None));
}

#[test]
fn root_in_a_container_may_be_bound() {
    let fake = Fake::new();
    fake.put("/srv/file", "");
    fake.mode("/srv/file", 0o200);
    fake.put("/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000001\n");
    let facts = fake.look("user root; http { root /srv/file; }");
    assert_eq!(facts.files["/srv/file"].worker_reads, Some(false));
}

#[test]
fn a_list_that_gives_access_is_not_guessed() {
    let fake = Fake::new();
    fake.put("/srv/file", "");
    // Version 2; owner, the user 33, group, mask and others: kind, permissions, number.
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 33), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (kind, permissions, number) in entries {
        list.extend(kind.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(number.to_le_bytes());
    }
    let name = "system.posix_acl_access";
    match rustix::fs::setxattr(fake.at("/srv/file"), name, &list, rustix::fs::XattrFlags::empty()) {
        Err(rustix::io::Errno::OPNOTSUPP) => return,
        result => result.expect("our file"),
    }
    let facts = fake.look("user www-data; http { root /srv/file; }");
    assert_eq!(facts.files["/srv/file"].worker_reads, None);
    assert_eq!(missed(&facts, "/srv/file"), Some("it has an access control list"));
}

fn certificate(names: &[&str], key: &KeyPair, year: i32) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(rcgen::DnType::CommonName, "example");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    params.self_signed(key).expect("a certificate").pem()
}

#[test]
fn certificates_and_their_keys() {
    let fake = Fake::new();
    let (key, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let good = certificate(&["example.com", "*.example.com", "10.0.0.1"], &key, 2040);
    let files = [
        ("good.pem", good.as_str()),
        ("chain.pem", &format!("a line before\n{good}{}", certificate(&["ca"], &other, 2040))),
        ("expired.pem", &certificate(&[], &key, 2021)),
        ("garbage.pem", "garbage"),
        ("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("odd.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        ("cut.pem", &good[..good.len() / 2]),
        ("marked.pem", &format!("\u{feff}{good}")),
        ("glued.pem", &format!("{}{good}", good.trim_end())),
        ("good.key", &key.serialize_pem()),
        ("other.key", &other.serialize_pem()),
        ("encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
        ("odd.key", "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n"),
        ("broken.key", "-----BEGIN PRIVATE KEY-----\n!!\n"),
    ];
    files.iter().for_each(|(name, text)| fake.put(&format!("/etc/nginx/ssl/{name}"), text));
    let both =
        |certificate: &str, key: &str| format!("ssl_certificate ssl/{certificate}; ssl_certificate_key ssl/{key};");
    let pairs = [
        ("good.pem", "other.key"),
        ("chain.pem", "good.key"),
        ("expired.pem", "good.key"),
        ("garbage.pem", "good.key"),
        ("good.pem", "encrypted.key"),
        ("good.pem", "odd.key"),
        ("good.pem", "broken.key"),
        ("good.pem", "good.pem"),
        ("good.pem", "missing.key"),
        ("broken.pem", "good.key"),
        ("cut.pem", "good.key"),
        ("marked.pem", "good.key"),
        ("glued.pem", "good.key"),
        ("odd.pem", "good.key"),
    ];
    let servers: String =
        pairs.iter().map(|(certificate, key)| format!("server {{ {} }}\n", both(certificate, key))).collect();
    let facts = fake.look(&format!(
        "http {{ {} server {{ listen 443 ssl; }} {servers} server {{ location / {{
        proxy_ssl_certificate /etc/nginx/ssl/good.pem; proxy_ssl_certificate_key ssl/other.key; }} }} }}
        stream {{ server {{ listen 1 ssl; {} }} }}",
        both("good.pem", "good.key"),
        both("chain.pem", "other.key")
    ));
    let name = |path: &str| path.strip_prefix("/etc/nginx/ssl/").expect("beside the main file").to_owned();
    let mut found: Vec<(String, String, Option<&str>)> = facts
        .key_pairs
        .iter()
        .map(|pair| (name(&pair.certificate), name(&pair.key), pair.problem.as_deref()))
        .collect();
    found.sort();
    let foreign = Some("the key does not belong to the certificate");
    let expected = [
        ("chain.pem", "good.key", None),
        ("chain.pem", "other.key", foreign),
        ("expired.pem", "good.key", None),
        ("glued.pem", "good.key", None),
        ("good.pem", "broken.key", Some("the key is not readable")),
        ("good.pem", "good.key", None),
        ("good.pem", "good.pem", Some("no private key in it")),
        ("good.pem", "other.key", foreign),
        ("marked.pem", "good.key", None),
    ];
    assert_eq!(found, expected.map(|(certificate, key, problem)| (certificate.to_owned(), key.to_owned(), problem)));
    let file = |name: &str| &facts.certificates[&format!("/etc/nginx/ssl/{name}")];
    let first = &file("good.pem").chain[0];
    assert_eq!(first.names, ["example.com", "*.example.com", "10.0.0.1"]);
    assert!(first.subject.contains("CN=") && first.is_self_signed(), "{first:?}");
    assert_eq!((first.not_before, first.not_after), (1_577_836_800, 2_208_988_800));
    assert_eq!((file("chain.pem").chain.len(), file("chain.pem").problem.as_ref()), (2, None));
    assert!(file("expired.pem").chain[0].not_after < 1_700_000_000);
    assert_eq!(file("expired.pem").chain[0].names, ["example"], "the common name");
    assert_eq!(file("garbage.pem").problem.as_deref(), Some("no certificate in it"));
    assert_eq!(file("broken.pem").problem.as_deref(), Some("a certificate in it is not readable"));
    assert_eq!(file("cut.pem").problem.as_deref(), Some("a certificate in it has no end"));
    let glued = "one certificate in it ends on the line on which the next begins";
    assert_eq!(file("glued.pem").problem.as_deref(), Some(glued));
    assert_eq!(missed(&facts, "odd.pem"), Some("certificates in a form that is not read here"));
    assert_eq!(missed(&facts, "encrypted.key"), Some("it is encrypted"));
    assert_eq!(missed(&facts, "odd.key"), Some("a kind of key that is not compared here"));
}

#[test]
fn a_thousand_servers_take_no_time() {
    let fake = Fake::new();
    let key = KeyPair::generate().expect("a key");
    let (pem, key) = (certificate(&["example.com"], &key, 2040), key.serialize_pem());
    let mut config = "user www-data; http {".to_owned();
    for number in 0..1000 {
        fake.put(&format!("/etc/nginx/ssl/{number}.pem"), &pem);
        fake.put(&format!("/etc/nginx/ssl/{number}.key"), &key);
        config.push_str(&format!(
            "server {{ server_name {number}.example.com; root /srv/{number}; access_log /var/log/{number}.log;
            ssl_certificate ssl/{number}.pem; ssl_certificate_key ssl/{number}.key; }}\n"
        ));
    }
    config.push('}');
    let start = Instant::now();
    let facts = fake.look(&config);
    let took = start.elapsed();
    assert_eq!((facts.certificates.len(), facts.key_pairs.len()), (1000, 1000));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let directory = TempDir::new().expect("a directory");
    let main = directory.path().join("nginx.conf");
    fs::write(&main, "events {}\n").expect("our directory");
    let unix = format!("unix:{}/app.sock", directory.path().display());
    let _local = UnixListener::bind(directory.path().join("app.sock")).expect("a socket");
    let facts = look(&Sources::default(), &Disk, &main);
    let socket = facts.listener_at(&address).expect("it listens");
    assert_eq!(socket.pid, Some(std::process::id()));
    let name = fs::read_to_string("/proc/self/comm").expect("our name");
    assert_eq!(socket.process.as_deref(), Some(name.trim()));
    // A kernel may not answer this.
    assert!(socket.backlog.is_none_or(|backlog| backlog >= 128), "{socket:?}");
    let local = facts.listening.iter().flatten().find(|socket| socket.address == unix).expect("it listens");
    assert_eq!((local.pid, local.backlog.is_some()), (Some(std::process::id()), socket.backlog.is_some()));
    assert_ne!(facts.nginx.runs, Some(true), "this configuration is nobody's");
    assert!(facts.machine.addresses.is_some_and(|addresses| addresses.contains(&"127.0.0.1".to_owned())));
    assert!(facts.machine.cpus.is_some() && facts.machine.memory.is_some() && facts.machine.file_max.is_some());
    let own = fs::metadata(directory.path()).expect("our directory");
    assert_eq!((facts.observer.uid, facts.observer.groups.first()), (own.uid(), Some(&own.gid())));
    assert_eq!(facts.files[&main.to_string_lossy().into_owned()].kind, FileKind::File);
}

#[test]
fn an_nginx_of_this_machine() {
    let installed = installed().unwrap_or_else(|error| panic!("{error}"));
    let listen = support::port::Port::reserve().expect("a free port");
    let http = format!("server {{ listen {}; location / {{ proxy_pass http://127.0.0.1:1; }} }}", listen.address());
    let setup = Setup { http: Some(&http), open_files: Some(512), ..Setup::default() };
    let running = installed.prepare(&setup).expect("our directory").start().expect("nginx");
    let main = running.directory().join("nginx.conf");
    // The worker calls itself a worker a moment after it was started.
    let patience = Instant::now() + Duration::from_secs(8);
    let facts = loop {
        let facts = look(&Sources::default(), &Disk, &main);
        if !facts.nginx.workers.is_empty() || Instant::now() > patience {
            break facts;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let nginx = &facts.nginx;
    assert_eq!(nginx.runs, Some(true), "{:?}", facts.not_examined);
    let master = nginx.master.as_ref().expect("it runs");
    assert_eq!(master.open_files_soft, Some(512));
    assert_eq!((master.uid, master.is_replaced), (Some(facts.observer.uid), Some(false)));
    let version: Vec<String> = installed.version.iter().map(u32::to_string).collect();
    assert_eq!(master.version.as_deref(), Some(version.join(".").as_str()));
    assert!(master.started_at.is_some() && master.files_open.is_some_and(|count| count > 2), "{master:?}");
    assert_eq!((nginx.workers.len(), nginx.workers[0].open_files_soft), (1, Some(512)));
    assert_eq!(nginx.user.as_ref().map(|user| user.uid), Some(facts.observer.uid));
    let directory = running.directory().to_string_lossy().into_owned();
    assert_eq!(nginx.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')), Some(directory.as_str()));
    assert_eq!(facts.files[&format!("{directory}/temp_proxy")].kind, FileKind::Directory);
    let socket = facts.listener_at(&listen.address().to_string()).expect("it listens");
    assert_eq!((socket.process.as_deref(), socket.pid), (Some("nginx"), Some(master.pid)));
    running.stop().expect("it ends");
}
