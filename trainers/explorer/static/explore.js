// The page of `python -m trainers.explore`. All that it shows comes from /api.

'use strict';

const at = (id) => document.getElementById(id);
const ends = {first: null, second: null};
let about = null;
let chosenEnd = 'first';
let given = null;

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  let message = response.statusText;
  try {
    message = (await response.json()).error;
  } catch (error) {
    // Not of ours, such as a proxy's: its status says what there is to say.
  }
  throw new Error(message);
}

function query(values) {
  if (about.classes !== null) values = {...values, label: at('label').value};
  return new URLSearchParams(values);
}

// Runs a job; asked again meanwhile, once more when it is done, with the values of then.
function latest(job, errorId) {
  let running = false;
  let again = false;
  return async () => {
    again = running;
    if (running) return;
    running = true;
    try {
      do {
        again = false;
        await job();
        at(errorId).textContent = '';
      } while (again);
    } catch (error) {
      at(errorId).textContent = error.message;
    } finally {
      running = false;
    }
  };
}

async function show(image, path) {
  const picture = await (await ask(path)).blob();
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(picture);
  image.hidden = false;
}

const drawSamples = latest(async () => {
  if (!at('seed').checkValidity()) return;  // while one types
  const values = {temperature: at('temperature').value, seed: at('seed').value};
  await show(at('samples'), `api/samples?${query(values)}`);
}, 'samples-error');

const drawBetween = latest(async () => {
  if (ends.first === null || ends.second === null) return;
  const values = {...ends, fraction: at('fraction').value};
  await show(at('between'), `api/between?${query(values)}`);
}, 'between-error');

const NAMES = {
  bits_per_dim: 'bits/dim',
  log_prob: 'log-density, nats',
  typicality_gap: 'distance from the typical, nats',
  p_value: 'share of typical data as far away (p-value)',
};

const drawScores = latest(async () => {
  if (given === null) return;
  const scores = await (await ask(`api/score?${query({name: given})}`)).json();
  const list = at('scores');
  list.replaceChildren();
  for (const [key, name] of Object.entries(NAMES)) {
    if (!(key in scores)) continue;
    const term = document.createElement('dt');
    term.textContent = key === 'bits_per_dim' ? about.unit : name;
    const value = document.createElement('dd');
    value.id = key;
    value.textContent = scores[key] === null ? 'not finite' : scores[key].toFixed(4);
    list.append(term, value);
  }
}, 'score-error');

async function putEnd(end, name) {
  ends[end] = name;
  await show(at(end), `api/data/${name}`);
  drawBetween();
}

function choose(end) {
  chosenEnd = end;
  for (const name of Object.keys(ends)) {
    at(`${name}-end`).setAttribute('aria-pressed', name === end);
  }
}

async function putOnShelf(name, label) {
  const button = document.createElement('button');
  const image = document.createElement('img');
  image.alt = label === null ? name : `${name}, class ${label}`;
  button.title = image.alt;
  button.append(image);
  button.addEventListener('click', () => {
    putEnd(chosenEnd, name).catch((error) => {
      at('between-error').textContent = error.message;
    });
  });
  at('shelf').append(button);
  await show(image, `api/data/${name}`);
}

async function give(body) {
  try {
    given = (await (await ask('api/data', {method: 'POST', body})).json()).name;
    await show(about.kind === 'points' ? at('plane') : at('given'), `api/data/${given}`);
    await Promise.all([drawScores(), putOnShelf(given, null)]);
  } catch (error) {
    at('scores').replaceChildren();
    at('score-error').textContent = error.message;
  }
}

function listenToDrops() {
  const drop = at('drop');
  drop.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.dataTransfer.files.length) give(event.dataTransfer.files[0]);
  });
  at('file').addEventListener('change', (event) => {
    if (event.target.files.length) give(event.target.files[0]);
    event.target.value = '';
  });
}

function listenToPlane() {
  at('score-title').textContent = 'The likelihood of a point';
  at('drop').querySelector('p').textContent = 'Click a point of the plane.';
  at('plane').addEventListener('click', (event) => {
    const box = at('plane').getBoundingClientRect();
    const x = 2 * (event.clientX - box.left) / box.width - 1;
    const y = 1 - 2 * (event.clientY - box.top) / box.height;
    give(JSON.stringify([x * about.reach, y * about.reach]));
  });
}

function listen() {
  at('draw').addEventListener('click', drawSamples);
  at('seed').addEventListener('change', drawSamples);
  at('temperature').addEventListener('input', () => {
    at('temperature-value').textContent = Number(at('temperature').value).toFixed(2);
    drawSamples();
  });
  at('fraction').addEventListener('input', drawBetween);
  at('label').addEventListener('change', () => {
    drawSamples();
    drawBetween();
    drawScores();
  });
  for (const end of Object.keys(ends)) {
    at(`${end}-end`).addEventListener('click', () => choose(end));
  }
}

async function start() {
  about = await (await ask('api/about')).json();
  document.title = `${about.run}, tfflows`;
  at('run').textContent = about.run;
  at('about').textContent = `${about.model} of ${about.dataset}, events of ` +
      `${about.event_shape.join('x')}` +
      (about.calibrated ? '' : ', not calibrated: no anomaly scores');
  at('source').textContent = about.source;
  at('temperature').max = about.max_temperature;
  for (let i = 0; i < about.classes; i++) at('label').append(new Option(i, i));
  at('label-row').hidden = about.classes === null;
  listen();
  if (about.kind === 'points') {
    listenToPlane();
    await show(at('plane'), `api/data/${about.examples[0].name}`);
  } else {
    listenToDrops();
  }
  const [first, second] = about.examples;
  await putEnd('first', first.name);
  await putEnd('second', (second || first).name);
  drawSamples();
  for (const {name, label} of about.examples) await putOnShelf(name, label);
  document.body.dataset.ready = 'yes';
}

start().catch((error) => {
  at('about').textContent = error.message;
});
