// Answers requests on a SavedModel with npm's @tensorflow/tfjs-node: an engine that nobody here wrote.
//
//   node node_run.js JOB.json
//
// JOB is {"package": folder of tfjs-node, "model": folder, "requests": [{"signature": name,
// "inputs": {name: {"dtype", "shape", "file"}}, "outputs": {name: file}}]}. Files hold the bytes of
// tensors; to each output's file comes one FILE.json with its dtype and shape.

'use strict';
const fs = require('fs');

function answer(tf, model, request) {
  const inputs = {};
  for (const [name, {dtype, shape, file}] of Object.entries(request.inputs)) {
    const bytes = fs.readFileSync(file);
    const Values = dtype === 'int32' ? Int32Array : Float32Array;
    const values = new Values(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    inputs[name] = tf.tensor(values, shape, dtype);
  }
  const outputs = model.predict(inputs);
  for (const [name, file] of Object.entries(request.outputs)) {
    const values = outputs[name].dataSync();
    fs.writeFileSync(file, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    const {dtype, shape} = outputs[name];
    fs.writeFileSync(file + '.json', JSON.stringify({dtype, shape}));
  }
}

async function main(path) {
  const job = JSON.parse(fs.readFileSync(path));
  const tf = require(job.package);
  const models = {};  // one session for all, as long as none is disposed of
  for (const request of job.requests) {
    const name = request.signature;
    models[name] ??= await tf.node.loadSavedModel(job.model, ['serve'], name);
    answer(tf, models[name], request);
  }
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
