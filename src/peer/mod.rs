//! A Diameter node without input and output.
