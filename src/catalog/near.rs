//! Which known name was meant by a name that is not known.

/// No name is mistyped in more places than this.
const MOST_MISTAKES: usize = 3;

/// The candidate that a name was most likely meant to be: the one with the
/// fewest letters to insert, leave out, replace or swap with their neighbour,
/// where that is at most one in three. Upper and lower case are the same. Of
/// equally near ones it is the first; the name itself is none.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut most = (name.len() / 3).min(MOST_MISTAKES);
    let mut best = None;
    for candidate in candidates.into_iter().filter(|candidate| *candidate != name) {
        let Some(distance) = distance(name.as_bytes(), candidate.as_bytes(), most) else { continue };
        if distance == 0 {
            return Some(candidate);
        }
        best = Some(candidate);
        // From here on only a nearer one counts.
        most = distance - 1;
    }
    best
}

/// How many single mistakes lie between two names; none if more than `most`
/// (Damerau and Levenshtein, no part being changed twice).
fn distance(left: &[u8], right: &[u8], most: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > most {
        return None;
    }
    let mut earlier: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(above.len());
        current.push(row + 1);
        for (column, other) in right.iter().enumerate() {
            let replaced = above[column] + usize::from(!letter.eq_ignore_ascii_case(other));
            let mut cost = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0
                && column > 0
                && letter.eq_ignore_ascii_case(&right[column - 1])
                && left[row - 1].eq_ignore_ascii_case(other);
            if swapped {
                cost = cost.min(earlier[column - 1] + 1);
            }
            current.push(cost);
        }
        if current.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
        earlier = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_mistyped_name_is_recognised() {
        let known = ["host", "http_host", "remote_addr", "request_uri", "request_time", "uri", "args"];
        let table = [
            ("hots", Some("host")),
            ("hst", Some("host")),
            ("Host", Some("host")),
            ("host", None),
            ("remote_adr", Some("remote_addr")),
            ("romote_addres", Some("remote_addr")),
            ("requesturi", Some("request_uri")),
            ("request_tmie", Some("request_time")),
            ("ur", None),
            ("backend", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn the_nearest_wins_and_of_two_the_first() {
        assert_eq!(nearest("proxy_pas", ["proxy_pasz", "proxy_pass"]), Some("proxy_pasz"));
        assert_eq!(nearest("acess_log", ["access_logs", "access_log"]), Some("access_log"));
    }
}
