//! Rules about headers and parameters that are passed on.
