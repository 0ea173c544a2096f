// "This instance": a row in the dialog of a broker that fills in an MQTT user of its own on an instance of the owner's.
(function () {
    'use strict';
    var texts = {
        en: {
            label: 'Instance', topics: 'Topics the flows may use, separated by spaces', fill: 'Fill in',
            done: 'Filled in. Press Add or Update, then Deploy.', none: 'There is no instance yet: make one in the panel.', failed: 'This did not work: ', local: 'This device (local network)'
        },
        ja: {
            label: 'インスタンス', topics: 'フローが使えるトピック（空白区切り）', fill: '入力する',
            done: '入力しました。「追加」または「更新」を押してデプロイしてください。', none: 'インスタンスがありません。コントロールパネルで作成してください。', failed: '失敗しました: ', local: 'このデバイス（ローカルネットワーク）'
        }
    };

    function words() {
        return texts[(RED.i18n.lang() || '').slice(0, 2)] || texts.en;
    }

    function set(id, value) {
        $('#node-config-input-' + id).val(value).trigger('change');
    }

    function fill(c) {
        set('broker', c.host);
        set('port', c.port);
        set('user', c.user);
        set('password', c.password);
        if (!$('#node-config-input-usetls').is(':checked')) {
            $('#node-config-input-usetls').trigger('click');
        }
    }

    function ask(kind, data, done, failed) {
        $.ajax({
            type: kind, url: 'tsunagi/instances', contentType: 'application/json', dataType: 'json',
            data: data && JSON.stringify(data), success: done,
            error: function (answer) {
                failed((answer.responseJSON && answer.responseJSON.message) || answer.statusText);
            }
        });
    }

    function add(broker) {
        var t = words();
        var row = $('<div class="form-row" id="tsunagi-instance"></div>');
        var which = $('<select id="tsunagi-instance-id" style="width: 34%"></select>');
        var topics = $('<input type="text" id="tsunagi-instance-topics" style="width: 20%; margin: 0 6px">').val('#').attr({title: t.topics, 'aria-label': t.topics});
        var button = $('<button type="button" class="red-ui-button" id="tsunagi-instance-fill"></button>').text(t.fill);
        var note = $('<div role="status" style="margin: 4px 0 0 104px"></div>');
        var say = function (text) { note.text(text); };
        row.append($('<label for="tsunagi-instance-id"><i class="fa fa-magic"></i> </label>').append($('<span></span>').text(t.label)), which, topics, button, note);
        row.insertBefore($(broker).closest('.form-row'));
        button.prop('disabled', true);
        ask('GET', null, function (list) {
            list.forEach(function (i) { which.append($('<option></option>').val(i.id).text(i.name || t.local)); });
            button.prop('disabled', list.length === 0);
            if (list.length === 0) { say(t.none); }
        }, function (cause) { say(t.failed + cause); });
        button.on('click', function () {
            button.prop('disabled', true);
            ask('POST', {instance: which.val(), topics: topics.val().split(/\s+/).filter(Boolean)}, function (c) {
                fill(c);
                say(t.done);
            }, function (cause) {
                button.prop('disabled', false);
                say(t.failed + cause);
            });
        });
    }

    new MutationObserver(function () {
        var broker = document.getElementById('node-config-input-broker');
        if (broker && document.getElementById('node-config-input-usetls') && !document.getElementById('tsunagi-instance')) {
            add(broker);
        }
    }).observe(document.documentElement, {childList: true, subtree: true});
})();
