/* Uploads one film over a bad network: in small pieces with checksums, resumed after interruptions. */
'use strict';
(function () {
  var config = JSON.parse(document.getElementById('page').textContent);
  var texts = config.texts, statusLine = document.getElementById('status'), bar = document.getElementById('bar');
  var chooser = document.getElementById('chooser'), progressPanel = document.getElementById('uploading');
  var uploadUrl = location.pathname, upload = null, retryTimer = null, wakeLock = null, interrupted = false;

  function formatText(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_, name) { return values[name]; });
  }
  function setStatus(text, bad) {
    statusLine.textContent = text;
    statusLine.className = bad ? 'bad' : '';
  }
  function showProgress(isGoing) {
    chooser.hidden = isGoing;
    progressPanel.hidden = !isGoing;
  }
  function selectedPart() {
    var chosen = document.querySelector('input[name=part]:checked');
    return config.part || (chosen && chosen.value);
  }

  /* Adds the checksum of each piece, where the browser can compute one (only over https). */
  function ChecksumStack() { this.inner = new tus.DefaultHttpStack(); }
  ChecksumStack.prototype.getName = function () { return 'checked'; };
  ChecksumStack.prototype.createRequest = function (method, url) {
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

  function startUpload(file) {
    if (!file) { return; }
    if (!selectedPart()) { return setStatus(texts.no_part, true); }
    if (file.size > config.largest) { return setStatus(formatText(texts.too_large, { megabytes: config.largest / 1048576 }), true); }
    upload = new tus.Upload(file, {
      endpoint: uploadUrl, chunkSize: config.piece_bytes, retryDelays: [0, 1000, 2000, 4000, 8000, 15000], httpStack: new ChecksumStack(),
      metadata: { filename: file.name || 'film.mp4', part: String(selectedPart()) }, removeFingerprintOnSuccess: true,
      /* Phones give the same film another name and date each time it is chosen; only its length stays the same. */
      fingerprint: function (file) { return Promise.resolve(['patrol', uploadUrl, file.size].join('|')); },
      onShouldRetry: function (error) {
        var status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        return status === 0 || (status >= 500 && status !== 507) || status === 409 || status === 423 || status === 460;
      },
      onProgress: function (sent, all) {
        interrupted = false;
        bar.value = Math.floor(sent * 100 / all);
        setStatus(formatText(texts.progress, { percent: bar.value }));
      },
      onError: onUploadError, onSuccess: pollState
    });
    showProgress(true);
    acquireWakeLock();
    upload.findPreviousUploads().then(function (earlier) {
      if (earlier.length) { upload.resumeFromPreviousUpload(earlier[0]); }
      upload.start();
    });
  }

  function onUploadError(error) {
    var status = error.originalResponse ? error.originalResponse.getStatus() : 0;
    if (status === 403 || status === 404 || status === 410) { upload = null; location.reload(); return; }
    if (status === 413) { upload = null; showProgress(false); setStatus(texts.failed, true); return; }
    markInterrupted();
    if (status === 507) { setStatus(texts.no_room, true); }
    retryTimer = retryTimer || setTimeout(resume, status === 507 ? 60000 : 5000);
  }
  function markInterrupted() {
    if (upload) {
      interrupted = true;
      setStatus(texts.paused, true);
    }
  }
  function resume() {
    clearTimeout(retryTimer);
    retryTimer = null;
    var same = upload;
    if (same && interrupted) { same.abort().then(function () { if (upload === same) { same.start(); } }); }
  }
  /* The network went away or came back, or the phone woke up. */
  window.addEventListener('offline', markInterrupted);
  window.addEventListener('online', resume);
  document.addEventListener('visibilitychange', function () {
    if (document.visibilityState === 'visible') { acquireWakeLock(); resume(); }
  });
  function acquireWakeLock() {
    if (upload && navigator.wakeLock && document.visibilityState === 'visible') {
      navigator.wakeLock.request('screen').then(function (lock) { wakeLock = lock; }, function () {});
    }
  }

  /* The upload is complete: wait for the result of the check. */
  function pollState() {
    upload = null;
    chooser.hidden = progressPanel.hidden = true;
    if (wakeLock) { wakeLock.release(); wakeLock = null; }
    fetch(uploadUrl + '/state', { credentials: 'same-origin' }).then(function (answer) { return answer.json(); })
      .then(function (found) {
        setStatus(found.words || texts.checking, found.state === 'unfit');
        if (found.state !== 'done' && found.state !== 'unfit') { setTimeout(pollState, 1000); }
      }, function () { setTimeout(pollState, 3000); });
  }

  ['camera', 'gallery'].forEach(function (name) {
    var input = document.getElementById(name);
    input.addEventListener('change', function () { startUpload(input.files[0]); input.value = ''; });
  });
  document.getElementById('stop').addEventListener('click', function () {
    clearTimeout(retryTimer);
    retryTimer = null;
    var ended = upload;
    upload = null;
    showProgress(false);
    setStatus('');
    if (ended) { ended.abort(true).catch(function () {}); }
  });
  if (config.state.state === 'complete' || config.state.state === 'checking') { pollState(); }
  if (config.state.state === 'receiving') { setStatus(texts.resume); }
}());
