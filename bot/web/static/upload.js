/* One film over a bad net: in small pieces, each with its checksum, taken up where it stopped. */
'use strict';
(function () {
  var page = JSON.parse(document.getElementById('page').textContent);
  var words = page.words, said = document.getElementById('said'), bar = document.getElementById('bar');
  var choose = document.getElementById('choose'), going = document.getElementById('going');
  var here = location.pathname, upload = null, waiting = null, awake = null, broken = false;

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_, name) { return values[name]; });
  }
  function tell(text, bad) {
    said.textContent = text;
    said.className = bad ? 'bad' : '';
  }
  function show(isGoing) {
    choose.hidden = isGoing;
    going.hidden = !isGoing;
  }
  function part() {
    var chosen = document.querySelector('input[name=part]:checked');
    return page.part || (chosen && chosen.value);
  }

  /* The checksum of each piece, where the browser can make one (over https). */
  function Stack() { this.inner = new tus.DefaultHttpStack(); }
  Stack.prototype.getName = function () { return 'checked'; };
  Stack.prototype.createRequest = function (method, url) {
    var request = this.inner.createRequest(method, url), send = request.send.bind(request);
    request.send = function (body) {
      if (!body || !window.crypto || !crypto.subtle || !body.arrayBuffer) { return send(body); }
      return body.arrayBuffer()
        .then(function (bytes) { return crypto.subtle.digest('SHA-256', bytes); })
        .then(function (digest) {
          var text = String.fromCharCode.apply(null, new Uint8Array(digest));
          request.setHeader('Upload-Checksum', 'sha256 ' + btoa(text));
          return send(body);
        });
    };
    return request;
  };

  function begin(file) {
    if (!file) { return; }
    if (!part()) { return tell(words.no_part, true); }
    if (file.size > page.largest) { return tell(fill(words.too_large, { megabytes: page.largest / 1048576 }), true); }
    upload = new tus.Upload(file, {
      endpoint: here, chunkSize: page.piece, retryDelays: [0, 1000, 2000, 4000, 8000, 15000], httpStack: new Stack(),
      metadata: { filename: file.name || 'film.mp4', part: String(part()) }, removeFingerprintOnSuccess: true,
      /* Phones give the same film another name and date each time it is chosen: its length stays. */
      fingerprint: function (file) { return Promise.resolve(['patrol', here, file.size].join('|')); },
      onShouldRetry: function (error) {
        var status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        return status === 0 || status >= 500 || status === 409 || status === 423 || status === 460;
      },
      onProgress: function (sent, all) {
        broken = false;
        bar.value = Math.floor(sent * 100 / all);
        tell(fill(words.progress, { percent: bar.value }));
      },
      onError: stopped, onSuccess: ask
    });
    show(true);
    keepAwake();
    upload.findPreviousUploads().then(function (earlier) {
      if (earlier.length) { upload.resumeFromPreviousUpload(earlier[0]); }
      upload.start();
    });
  }

  function stopped(error) {
    var status = error.originalResponse ? error.originalResponse.getStatus() : 0;
    if (status === 403 || status === 404 || status === 410) { upload = null; location.reload(); return; }
    if (status === 413) { upload = null; show(false); tell(words.failed, true); return; }
    pause();
    waiting = waiting || setTimeout(goOn, 5000);
  }
  function pause() {
    if (upload) {
      broken = true;
      tell(words.paused, true);
    }
  }
  function goOn() {
    clearTimeout(waiting);
    waiting = null;
    var same = upload;
    if (same && broken) { same.abort().then(function () { if (upload === same) { same.start(); } }); }
  }
  /* The net is gone; it is back, or the phone has woken up. */
  window.addEventListener('offline', pause);
  window.addEventListener('online', goOn);
  document.addEventListener('visibilitychange', function () {
    if (document.visibilityState === 'visible') { keepAwake(); goOn(); }
  });
  function keepAwake() {
    if (upload && navigator.wakeLock && document.visibilityState === 'visible') {
      navigator.wakeLock.request('screen').then(function (lock) { awake = lock; }, function () {});
    }
  }

  /* All of it is there: what became of the film? */
  function ask() {
    upload = null;
    choose.hidden = going.hidden = true;
    if (awake) { awake.release(); awake = null; }
    fetch(here + '/state', { credentials: 'same-origin' }).then(function (answer) { return answer.json(); })
      .then(function (found) {
        tell(found.words || words.checking, found.state === 'unfit');
        if (found.state !== 'done' && found.state !== 'unfit') { setTimeout(ask, 1000); }
      }, function () { setTimeout(ask, 3000); });
  }

  ['camera', 'gallery'].forEach(function (name) {
    var input = document.getElementById(name);
    input.addEventListener('change', function () { begin(input.files[0]); input.value = ''; });
  });
  document.getElementById('stop').addEventListener('click', function () {
    clearTimeout(waiting);
    waiting = null;
    var ended = upload;
    upload = null;
    show(false);
    tell('');
    if (ended) { ended.abort(true).catch(function () {}); }
  });
  if (page.state.state === 'complete' || page.state.state === 'checking') { ask(); }
  if (page.state.state === 'receiving') { tell(words.again); }
}());
