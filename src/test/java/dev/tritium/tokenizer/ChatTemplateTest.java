package dev.tritium.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChatTemplateTest {
  private static final Map<String, String> TOKENS = Map.of("bos_token", "<s>", "eos_token", "</s>");
  private static final List<ChatMessage> CHAT =
      List.of(
          new ChatMessage("system", " Be brief. "),
          new ChatMessage("user", "Hi\n"),
          new ChatMessage("assistant", "Hello"),
          new ChatMessage("user", "Bye"));

  private static String render(String template) {
    return ChatTemplate.parse(template, TOKENS).render(CHAT, true);
  }

  private static void assertRefused(String template, String... words) {
    String e = assertThrows(ChatTemplateException.class, () -> render(template)).toString();
    for (String word : words) {
      assertTrue(e.contains(word), e);
    }
  }

  private static void assertRefusedWhenRead(String template, String... words) {
    assertThrows(ChatTemplateException.class, () -> ChatTemplate.parse(template, TOKENS));
    assertRefused(template, words);
  }

  @Test
  void theBundledTemplateIsBosAndTrimmedLines() {
    ChatTemplate template = ChatTemplate.of(Samples.BYTE_FALLBACK).orElseThrow();
    assertEquals("<s>Be brief.\nHi\nHello\nBye\n", template.render(CHAT, true));
  }

  @Test
  void llama3() {
    String template =
        """
        {% set loop_messages = messages %}{% for message in loop_messages %}\
        {% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'\
        + message['content'] | trim + '<|eot_id|>' %}\
        {% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}\
        {{ content }}{% endfor %}{% if add_generation_prompt %}\
        {{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}""";
    assertEquals(
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
        render(template));
  }

  @Test
  void mistralAndItsRefusal() {
    String template =
        """
        {{ bos_token }}{% for message in MESSAGES %}\
        {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
        {{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}\
        {% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}\
        {% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token + ' ' }}\
        {% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}\
        {% endfor %}""";
    assertEquals(
        "<s>[INST] Hi\n [/INST]Hello</s> [INST] Bye [/INST]",
        render(template.replace("MESSAGES", "messages[1:]")));
    var e =
        assertThrows(
            ChatTemplateException.class, () -> render(template.replace("MESSAGES", "messages")));
    assertEquals("Conversation roles must alternate user/assistant/...", e.getMessage());
  }

  @Test
  void chatMl() {
    String template =
        """
        {% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']\
         + '<|im_end|>' + '\\n'}}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""";
    String turn = "<|im_start|>user\nBye<|im_end|>\n";
    assertTrue(render(template).endsWith(turn + "<|im_start|>assistant\n"));
    assertTrue(ChatTemplate.parse(template, TOKENS).render(CHAT, false).endsWith(turn));
  }

  @Test
  void bitNet2B4T() {
    String template =
        """
        {% set loop_messages = messages %}{% for message in loop_messages %}\
        {% set content = message['role'] | capitalize + ': '+ message['content'] | trim\
         + '<|eot_id|>' %}{{ content }}{% endfor %}\
        {% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}""";
    assertEquals(
        "System: Be brief.<|eot_id|>User: Hi<|eot_id|>Assistant: Hello<|eot_id|>User: Bye<|eot_id|>"
            + "Assistant: ",
        render(template));
  }

  @Test
  void linesAndIndentsOfTagsVanishAsInJinja2() {
    assertEquals(
        "A\n  B  C d e\nf",
        render("A\n  {% if true %}\n  B\n  {%- endif %}\n  C {{- ' d ' -}}  e\n{# note #}\nf\n"));
    assertEquals("x\n", render("x\n\n"), "one newline at the end goes");
  }

  @Test
  void whatAMessageSaysIsNeverRunNorEscaped() {
    String content = "{{ 1 + 1 }}{% for %} <b>&\"'</b> \\n {# #}";
    var template = ChatTemplate.parse("{{ messages[0].content }}", TOKENS);
    assertEquals(content, template.render(List.of(new ChatMessage("user", content)), false));
  }

  @Test
  void pythonStringsWork() {
    assertEquals("Be brief.", render("{{ messages[0].content.strip() }}"));
    assertEquals("y", render("{{ 'x</t>\n\ny\n'.split('</t>')[-1].strip('\n') }}"));
    assertEquals("b ", render("{{ ' b '.lstrip() }}"));
    assertEquals(" b", render("{{ ' b '.rstrip() }}"));
    assertEquals("truefalse", render("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('ab') }}"));
    assertEquals("ABcA b", render("{{ 'ab'.upper() }}{{ 'C'.lower() }}{{ 'a b'.capitalize() }}"));
    assertEquals("Title Case", render("{{ 'title case'.title() }}"));
    assertEquals("a-b,2", render("{{ 'a b'.replace(' ', '-') }},{{ 'a  b'.split()|length }}"));
    assertEquals(
        "a|c|bc|ab", render("{{ 'abc'[0] }}|{{ 'abc'[-1] }}|{{ 'abc'[1:] }}|{{ 'abc'[:2] }}"));
    assertEquals("a1true", render("{{ 'a' ~ 1 }}{{ 'x' in 'xyz' }}"));
    assertEquals("x", render("{{ '\u00a0x\u2003' | trim }}"));
  }

  @Test
  void listsAndDictionariesWork() {
    assertEquals(
        "Bye,3,3,4",
        render(
            "{{ messages[-1].content }},{{ messages[1:]|length }},{{ messages[:-1]|length }},"
                + "{{ messages|length }}"));
    assertEquals("d true", render("{{ messages[0].get('no', 'd') }} {{ 'role' in messages[0] }}"));
    assertEquals(
        "role=user;",
        render("{% for k, v in {'role': 'user'}.items() %}{{ k }}={{ v }};{% endfor %}"));
    assertEquals(
        "role=user;",
        render("{% for k, v in {'role': 'user'}|items %}{{ k }}={{ v }};{% endfor %}"));
    assertEquals(
        "2 system,user,assistant,user",
        render(
            "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}"
                + " {{ messages | map(attribute='role') | join(',') }}"));
    assertEquals("Bye", render("{{ (messages | reverse | list)[0].content }}"));
  }

  @Test
  void loopsNamespacesAndMacrosWork() {
    assertEquals(
        "true 2",
        render(
            "{% set ns = namespace(found=false, n=0) %}{% for m in messages %}"
                + "{% if m.role == 'user' %}{% set ns.found = true %}{% set ns.n = ns.n + 1 %}"
                + "{% endif %}{% endfor %}{{ ns.found }} {{ ns.n }}"));
    assertEquals(
        "01true 12 23 34last",
        render(
            "{% for m in messages %}{{ loop.index0 }}{{ loop.index }}{{ 'true' if loop.first }}"
                + "{{ 'last' if loop.last else ' ' }}{% endfor %}"));
    assertEquals(
        "[a2][b3]",
        render("{% macro f(x, y=2) %}[{{ x }}{{ y }}]{% endmacro %}{{ f('a') }}{{ f('b', y=3) }}"));
    assertEquals("HI", render("{% set x %}h{{ 'i' }}{% endset %}{{ x | upper }}"));
    assertEquals("Hello", render("{% generation %}{{ messages[2].content }}{% endgeneration %}"));
  }

  @Test
  void absentVariablesAreUndefined() {
    assertEquals(
        "nonz",
        render(
            "{{ 'yes' if tools is defined else 'no' }}{{ 'y' if tools else 'n' }}{{ foo | default('z') }}{{ messages[0].tool_calls }}"));
  }

  @Test
  void jsonIsWrittenAsPythonDoes() {
    String tool = "{'name': 'é<>', 'args': [1, 2.5, true, none], 'e': {} }";
    assertEquals(
        "{\"name\": \"é<>\", \"args\": [1, 2.5, true, null], \"e\": {}}",
        render("{{ " + tool + " | tojson }}"));
    assertEquals("{\n  \"a\": [\n    1\n  ]\n}", render("{{ {'a': [1]} | tojson(indent=2) }}"));
  }

  @Test
  void theDateIsToday() {
    assertTrue(render("{{ strftime_now('%d %b %Y') }}").matches("\\d\\d [A-Z][a-z]{2} 20\\d\\d"));
  }

  @Test
  void aSyntaxErrorIsFoundWhenRead() {
    assertRefusedWhenRead("{% if %}", "line 1", "endif");
    assertRefusedWhenRead("a\nb{% for m in messages %}{{ m }}", "line 2", "endfor");
    assertRefusedWhenRead("{{ foo( }}", "foo(");
    assertRefusedWhenRead("a\n{% if false %}{{ 'a' + }}{% endif %}", "line 2", "'a' +");
    assertRefusedWhenRead("{% set x = 'a' + %}", "'a' +");
    assertRefusedWhenRead("{% nosuchtag %}", "nosuchtag");
    assertRefusedWhenRead("{{ messages | nosuch }}", "nosuch");
    assertRefusedWhenRead("{{ 'a' is nosuch }}", "nosuch");
    assertRefusedWhenRead("{{ 'abc }}", "line 1");
    assertRefusedWhenRead("{{ messages[::-1] }}", "::-1");
    assertRefusedWhenRead("{% for m in messages if m %}x{% endfor %}", "if");
    assertRefusedWhenRead("{% for m in messages %}x{% else %}y{% endfor %}", "else");
  }

  @Test
  void anErrorWhileRenderingIsNeverSwallowed() {
    assertRefused("{{ nosuch(1) }}", "nosuch");
    assertRefused("{{ 'a'.nosuch() }}", "nosuch");
    assertRefused(
        "{% if true %}{{ raise_exception('no ' + messages[0].role) }}{% endif %}", "no system");
  }

  @Test
  void javaIsOutOfReach() {
    assertRefused("{{ messages.getClass() }}", "getClass");
    assertRefused("{{ 'a'.getClass().forName('java.lang.Runtime') }}", "getClass");
    assertRefused("{{ 'a'.getBytes() }}", "getBytes");
    assertEquals(
        "", render("{{ 'a'.class }}{{ 'a'.bytes }}{{ messages.class }}{{ messages[0].class }}"));
    assertEquals("", render("{{ ____int3rpr3t3r____.config }}{{ ____int3rpr3t3r____.context }}"));
    assertRefused("{{ ____int3rpr3t3r____.getContext() }}", "getContext");
    assertRefused("{% include 'application.properties' %}", "include");
    assertRefused("{{ '{{ 1 }}' | render }}", "render");
  }

  @Test
  void aTemplateThatNeverEndsIsStopped() {
    String loops = "{% for a in range(999) %}".repeat(4) + "{{ a }}" + "{% endfor %}".repeat(4);
    assertRefused(loops, "steps");
    assertRefused(
        "{% set ns = namespace(s='aaaaaaaa') %}{% for a in range(99) %}"
            + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "limit");
    assertRefused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
    assertRefused("{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}", "deep");
  }

  @Test
  void threadsShareIt() {
    ChatTemplate template = ChatTemplate.of(Samples.BYTE_FALLBACK).orElseThrow();
    IntStream.range(0, 500)
        .parallel()
        .forEach(
            i ->
                assertEquals(
                    "<s>" + i + "\n",
                    template.render(List.of(new ChatMessage("user", " " + i)), true)));
  }

  @Test
  void aFolderSaysWhatItsTemplateIs(@TempDir Path folder) throws IOException {
    assertEquals(Optional.empty(), ChatTemplate.of(folder));
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(folder.resolve("special_tokens_map.json"), "{\"eos_token\": \"</e>\"}");
    Files.writeString(
        config,
        """
        {"bos_token": {"content": "<b>", "lstrip": false}, "chat_template": [
          {"name": "tool_use", "template": "tools"},
          {"name": "default", "template": "{{ bos_token }}{{ eos_token }}"}]}
        """);
    assertEquals("<b></e>", ChatTemplate.of(folder).orElseThrow().render(CHAT, false));
    Files.writeString(folder.resolve("chat_template.jinja"), "file{{ bos_token }}\n");
    assertEquals("file<b>", ChatTemplate.of(folder).orElseThrow().render(CHAT, false));
    Files.writeString(config, "{");
    String e = assertThrows(ChatTemplateException.class, () -> ChatTemplate.of(folder)).toString();
    assertTrue(e.contains("tokenizer_config.json"), e);
  }
}
