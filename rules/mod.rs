//! All rules, one room a rule: the check, and beside it its page.
//!
//! A rule reads the model and pushes findings. It does not open files, print,
//! ask for the time, or know another rule.

mod buffer;
mod dns;
mod header;
mod include;
mod live;
mod log;
mod nginx_t;
mod routing;
mod suppression;
mod target;
mod timeout;
mod tls;
mod upstream;
mod worker;

use crate::engine::Rule;

/// The rules in the order in which they are listed.
pub const ALL: &[&Rule] = &[
    // nginx -t: files, and how they are read
    &nginx_t::syntax_error::RULE,
    &nginx_t::missing_semicolon::RULE,
    &nginx_t::lookalike_character::RULE,
    &nginx_t::include_missing::RULE,
    &nginx_t::include_cycle::RULE,
    // nginx -t: what stands where, how often, with which values
    &nginx_t::unknown_directive::RULE,
    &nginx_t::directive_not_allowed_here::RULE,
    &nginx_t::unexpected_block::RULE,
    &nginx_t::missing_block::RULE,
    &nginx_t::block_in_data::RULE,
    &nginx_t::invalid_argument_count::RULE,
    &nginx_t::invalid_value::RULE,
    &nginx_t::duplicate_directive::RULE,
    &nginx_t::deprecated_directive::RULE,
    &nginx_t::conflicting_push::RULE,
    // nginx -t: nginx as a whole
    &nginx_t::load_module_too_late::RULE,
    &nginx_t::missing_events::RULE,
    &nginx_t::invalid_worker_setting::RULE,
    &nginx_t::not_enough_worker_connections::RULE,
    &nginx_t::invalid_thread_pool::RULE,
    // nginx -t: variables and regular expressions
    &nginx_t::malformed_variable::RULE,
    &nginx_t::unknown_variable::RULE,
    &nginx_t::duplicate_variable::RULE,
    &nginx_t::invalid_regex::RULE,
    // nginx -t: addresses and servers
    &nginx_t::invalid_address::RULE,
    &nginx_t::invalid_listen::RULE,
    &nginx_t::conflicting_listen::RULE,
    &nginx_t::missing_listen::RULE,
    &nginx_t::missing_handler::RULE,
    &nginx_t::invalid_server_name::RULE,
    &nginx_t::conflicting_server_name::RULE,
    &nginx_t::incomplete_mail_server::RULE,
    // nginx -t: where requests are passed to
    &nginx_t::duplicate_upstream::RULE,
    &nginx_t::upstream_empty::RULE,
    &nginx_t::invalid_upstream::RULE,
    &nginx_t::invalid_sticky::RULE,
    &nginx_t::invalid_resolver::RULE,
    &nginx_t::proxy_pass_missing_scheme::RULE,
    &nginx_t::proxy_pass_uri_forbidden::RULE,
    // nginx -t: locations and what is done in them
    &nginx_t::invalid_location::RULE,
    &nginx_t::misplaced_location::RULE,
    &nginx_t::duplicate_location::RULE,
    &nginx_t::conflicting_root::RULE,
    &nginx_t::invalid_condition::RULE,
    &nginx_t::invalid_rewrite::RULE,
    &nginx_t::invalid_return::RULE,
    &nginx_t::invalid_try_files::RULE,
    &nginx_t::invalid_error_page::RULE,
    // nginx -t: blocks and lists of data
    &nginx_t::invalid_map::RULE,
    &nginx_t::late_map_hash::RULE,
    &nginx_t::invalid_geo::RULE,
    &nginx_t::invalid_split_clients::RULE,
    &nginx_t::invalid_types::RULE,
    &nginx_t::duplicate_mime_type::RULE,
    &nginx_t::invalid_charset_map::RULE,
    &nginx_t::invalid_referers::RULE,
    &nginx_t::hash_bucket_too_small::RULE,
    // nginx -t: shared memory, caches, buffers
    &nginx_t::unknown_zone::RULE,
    &nginx_t::conflicting_zone::RULE,
    &nginx_t::invalid_zone::RULE,
    &nginx_t::invalid_cache::RULE,
    &nginx_t::buffer_sizes::RULE,
    // nginx -t: TLS
    &nginx_t::missing_certificate::RULE,
    &nginx_t::ssl_prerequisite::RULE,
    &nginx_t::invalid_ssl::RULE,
    // nginx -t: logs
    &nginx_t::unknown_log_format::RULE,
    &nginx_t::duplicate_log_format::RULE,
    &nginx_t::invalid_log::RULE,
    // nginx -t: single modules
    &nginx_t::invalid_header::RULE,
    &nginx_t::invalid_proxy_redirect::RULE,
    &nginx_t::invalid_index::RULE,
    &nginx_t::invalid_sub_filter::RULE,
    &nginx_t::invalid_limit_except::RULE,
    &nginx_t::invalid_symlink_check::RULE,
    &nginx_t::invalid_browser::RULE,
    &nginx_t::invalid_secure_link::RULE,
    &nginx_t::invalid_userid::RULE,
    &nginx_t::invalid_mirror::RULE,
    &nginx_t::invalid_image_filter::RULE,
    &nginx_t::invalid_geoip::RULE,
    &nginx_t::invalid_degradation::RULE,
    // What nginx takes, and what then goes wrong: groups of servers
    &upstream::upstream_all_servers_down::RULE,
    &upstream::max_conns_without_zone::RULE,
    &upstream::multiple_balancing_methods::RULE,
    &upstream::backup_with_hash_balancer::RULE,
    &upstream::upstream_server_missing_port::RULE,
    &upstream::undefined_upstream_typo::RULE,
    &upstream::unused_upstream::RULE,
    &upstream::duplicate_upstream_server::RULE,
    &upstream::next_upstream_http_errors_eject_pool::RULE,
    &upstream::fail_timeout_long_single_failure::RULE,
    &upstream::max_fails_noop_single_server::RULE,
    &upstream::max_fails_default_multi_server::RULE,
    &upstream::max_conns_rejects_not_queues::RULE,
    &upstream::upstream_zone_missing_multi_worker::RULE,
    &upstream::ip_hash_same_subnet::RULE,
    &upstream::upstream_name_as_host_header::RULE,
    // groups of servers: connections that are kept
    &upstream::keepalive_missing_http_version::RULE,
    &upstream::keepalive_connection_not_cleared::RULE,
    &upstream::lb_method_after_keepalive::RULE,
    &upstream::upstream_keepalive_timeout_zero::RULE,
    &upstream::upstream_keepalive_outlives_backend::RULE,
    &upstream::keepalive_pins_backend_workers::RULE,
    &upstream::upstream_keepalive_on_by_default::RULE,
    &upstream::upstream_keepalive_missing::RULE,
    &upstream::keepalive_smaller_than_group::RULE,
    &upstream::keepalive_needs_upstream::RULE,
    // where requests are passed to: hosts and protocols
    &target::proxy_pass_localhost::RULE,
    &target::proxy_pass_self_loop::RULE,
    &target::http_scheme_to_tls_port::RULE,
    &target::https_scheme_to_plain_port::RULE,
    &target::target_protocol_mismatch_own_listener::RULE,
    &target::non_http_target_for_proxy_pass::RULE,
    &target::non_http_pass_to_http_port::RULE,
    &target::grpc_listener_without_http2::RULE,
    &target::multiple_pass_directives::RULE,
    &target::return_shadows_pass::RULE,
    &target::pass_not_inherited_by_nested_location::RULE,
    &target::static_regex_shadows_proxy::RULE,
    &target::upstream_in_wrong_block::RULE,
    // where requests are passed to: variables and paths
    &target::proxy_pass_variable_missing_scheme::RULE,
    &target::proxy_pass_map_without_default::RULE,
    &target::variable_pass_without_port::RULE,
    &target::upstream_with_port_in_variable_pass::RULE,
    &target::proxy_pass_variable_uri_replaces_path::RULE,
    &target::proxy_pass_variable_drops_args::RULE,
    &target::proxy_pass_decoded_uri::RULE,
    &target::proxy_pass_trailing_slash_mismatch::RULE,
    &target::proxy_pass_uri_ignored_by_rewrite::RULE,
    &target::proxy_redirect_lost::RULE,
    &target::unix_socket_uri_without_colon::RULE,
    &target::unix_socket_in_tmp::RULE,
    &target::hardcoded_container_ip::RULE,
    &target::http10_to_modern_backend::RULE,
    // timeouts and retries
    &timeout::timeout_zero::RULE,
    &timeout::timeout_wrong_protocol_family::RULE,
    &timeout::timeout_unit_suspicious::RULE,
    &timeout::timeout_equals_default::RULE,
    &timeout::connect_timeout_beyond_kernel::RULE,
    &timeout::connect_timeout_too_long_for_failover::RULE,
    &timeout::read_timeout_excessive::RULE,
    &timeout::websocket_read_timeout_default::RULE,
    &timeout::grpc_read_timeout_streams::RULE,
    &timeout::stream_proxy_timeout_default::RULE,
    &timeout::resolver_timeout_default::RULE,
    &timeout::next_upstream_unbounded::RULE,
    &timeout::next_upstream_off_with_peers::RULE,
    &timeout::next_upstream_missing_error::RULE,
    &timeout::next_upstream_non_idempotent::RULE,
    &timeout::next_upstream_timeout_is_not_a_deadline::RULE,
    &timeout::next_upstream_blocked_by_unbuffered_request::RULE,
    &timeout::client_keepalive_shorter_than_lb::RULE,
    &timeout::worker_shutdown_timeout_missing::RULE,
    // worker processes and limits
    &worker::worker_connections_exceed_nofile::RULE,
    &worker::worker_rlimit_nofile_tight::RULE,
    &worker::worker_rlimit_needs_privilege::RULE,
    &worker::worker_connections_used_up_by_listeners::RULE,
    &worker::worker_connections_low::RULE,
    &worker::worker_connections_memory::RULE,
    &worker::worker_processes_auto_in_container::RULE,
    &worker::worker_processes_one::RULE,
    &worker::ephemeral_ports_exhaustion::RULE,
    // buffers
    &buffer::big_header_wrong_knob::RULE,
    &buffer::auth_locations_default_buffer_size::RULE,
    &buffer::proxy_buffering_off_globally::RULE,
    &buffer::buffering_off_disables_cache::RULE,
    &buffer::client_body_limit_above_backend::RULE,
    &buffer::large_client_header_buffers_vhost::RULE,
    // names and resolvers
    &dns::variable_pass_without_resolver::RULE,
    &dns::variable_in_uri_needs_resolver::RULE,
    &dns::static_hostname_resolved_once::RULE,
    &dns::static_peer_shadows_variable::RULE,
    &dns::resolver_has_no_effect_on_static::RULE,
    &dns::resolver_ignores_etc_hosts::RULE,
    &dns::resolver_ignores_search_domains::RULE,
    &dns::resolver_public_dns_for_internal_names::RULE,
    &dns::resolver_ipv6_unreachable_backend::RULE,
    &dns::resolver_is_a_hostname::RULE,
    &dns::resolver_docker_dns_outside_docker::RULE,
    // TLS
    &tls::proxy_ssl_sni_off::RULE,
    &tls::proxy_ssl_sni_is_group_name::RULE,
    &tls::proxy_ssl_verify_group_name::RULE,
    &tls::proxy_ssl_verify_ip_target::RULE,
    &tls::proxy_ssl_verify_off::RULE,
    &tls::proxy_ssl_protocols_mismatch::RULE,
    &tls::proxy_ssl_client_cert_incomplete::RULE,
    &tls::proxy_ssl_directives_without_tls::RULE,
    // routing
    &routing::undefined_named_location::RULE,
    &routing::alias_traversal::RULE,
    &routing::error_page_502_points_to_proxy::RULE,
    // headers
    &header::proxy_set_header_inheritance::RULE,
    &header::fastcgi_script_filename_missing::RULE,
    &header::websocket_upgrade_incomplete::RULE,
    // files
    &include::include_glob_picks_up_backups::RULE,
    &include::include_matches_nothing::RULE,
    // what doctor finds on the machine
    &live::live_upstream_refused::RULE,
    &live::live_nginx_not_running::RULE,
    &live::live_port_in_use::RULE,
    &live::live_listen_address_missing::RULE,
    &live::live_running_version::RULE,
    &live::live_configuration_not_loaded::RULE,
    &live::live_rlimit_vs_connections::RULE,
    &live::live_nofile_limits_conf_ineffective::RULE,
    &live::live_cpu_quota_vs_workers::RULE,
    &live::live_backlog_above_somaxconn::RULE,
    &live::live_temp_and_log_dirs::RULE,
    &live::live_disk_full::RULE,
    &live::live_file_not_readable::RULE,
    &live::live_backend_idle_timeout::RULE,
    &live::live_upstream_unreachable::RULE,
    &live::live_localhost_dual_stack::RULE,
    &live::live_container_loopback::RULE,
    &live::live_selinux_connect::RULE,
    &live::live_unix_socket::RULE,
    &live::live_ephemeral_ports::RULE,
    &live::live_proxy_bind_not_local::RULE,
    &live::live_tls_vs_plain::RULE,
    &live::live_wrong_protocol::RULE,
    &live::live_upstream_tls_handshake::RULE,
    &live::live_upstream_certificate::RULE,
    &live::live_server_certificate::RULE,
    &live::live_dns_unresolvable::RULE,
    &live::live_resolver::RULE,
    // what doctor finds in the logs
    &log::log_no_live_upstreams::RULE,
    &log::log_too_big_header::RULE,
    &log::log_redirection_cycle::RULE,
    &log::log_named_location_missing::RULE,
    &log::log_auth_request_status::RULE,
    &log::log_body_too_large::RULE,
    &log::log_buffered_to_disk::RULE,
    &log::log_broken_proxy_protocol::RULE,
    &log::log_requests_limited::RULE,
    &log::log_worker_connections_exhausted::RULE,
    // answers of the servers behind nginx
    &log::log_response_timed_out::RULE,
    &log::log_request_send_timed_out::RULE,
    &log::log_response_stalled::RULE,
    &log::log_upstream_closed::RULE,
    &log::log_response_cut_short::RULE,
    &log::log_upstream_refuses_body::RULE,
    &log::log_invalid_header::RULE,
    &log::log_ambiguous_length::RULE,
    &log::log_invalid_body::RULE,
    &log::log_primary_script_unknown::RULE,
    &log::log_client_gave_up::RULE,
    &log::log_own_bad_gateway::RULE,
    &log::log_php_fpm_pool_exhausted::RULE,
    &log::log_unusable_target::RULE,
    // comments for nginx-lint itself
    &suppression::unused_suppression::RULE,
    &suppression::invalid_suppression::RULE,
];

/// The rule about comments that ignore nothing.
pub const UNUSED_SUPPRESSION: &Rule = &suppression::unused_suppression::RULE;

/// The rule about comments that cannot ignore anything.
pub const INVALID_SUPPRESSION: &Rule = &suppression::invalid_suppression::RULE;

/// The rule of this name, or the first that another tool calls so.
pub fn find(name: &str) -> Option<&'static Rule> {
    let by_name = ALL.iter().find(|rule| rule.name == name);
    let is_called_so = |rule: &&&Rule| rule.equivalents.iter().any(|equivalent| equivalent.name == name);
    by_name.or_else(|| ALL.iter().find(is_called_so)).copied()
}
