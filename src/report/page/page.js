(function () {
  "use strict";
  function opened(target) {
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }
  function go() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { opened(target); target.scrollIntoView(); }
  }
  addEventListener("hashchange", go);
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a");
    if (link && link.getAttribute("href") === location.hash) go();
  });
  var before = [];
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.flawed:not([open])").forEach(function (it) { it.open = true; before.push(it); });
  });
  addEventListener("afterprint", function () {
    before.splice(0).forEach(function (it) { it.open = false; });
  });
  go();
})();
