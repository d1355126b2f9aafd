//! Makes the runtime's own messages from `proto/`.

fn main() {
    println!("cargo::rerun-if-changed=proto");
    protobuf_codegen::Codegen::new()
        .pure()
        .include("proto")
        .input("proto/runhcs.proto")
        .cargo_out_dir("proto")
        .run_from_script();
}
