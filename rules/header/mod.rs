//! Rules about headers and parameters that are passed on.

pub mod fastcgi_script_filename_missing;
pub mod proxy_set_header_inheritance;
pub mod websocket_upgrade_incomplete;
