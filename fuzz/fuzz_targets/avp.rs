#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proselink_fuzz::avp(data));
