package dev.tritium.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.core.util.Separators.Spacing;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context.Library;
import com.hubspot.jinjava.interpret.InterpretException;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.objects.date.StrftimeFormatter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import jinjava.javax.el.CompositeELResolver;
import org.jspecify.annotations.Nullable;

/**
 * jinjava set up as transformers sets up Jinja2 for chat templates (utils/chat_template_utils.py),
 * and closed: no files, no Java methods, bounds on output, collections and steps.
 */
final class TemplateEngine {
  private static final int MAX_OUTPUT_BYTES = 16 << 20;
  private static final int MAX_COLLECTION_ENTRIES = 100_000;
  private static final int MAX_DEPTH = 20;
  private static final int MAX_STEPS = 200_000; // parts rendered; a long chat needs thousands

  /** What one rendering has used and whether the template gave up. */
  private static final class Progress {
    int steps;
    @Nullable String refusal;
  }

  private static final ScopedValue<Progress> PROGRESS = ScopedValue.newInstance();

  /** LegacyOverrides.ALL but one: {@code {{x}}} without spaces is an expression. */
  private static final LegacyOverrides JINJA2 =
      LegacyOverrides.newBuilder()
          .withEvaluateMapKeys(true)
          .withIterateOverMapKeys(true)
          .withUsePyishObjectMapper(true)
          .withUseNaturalOperatorPrecedence(true)
          .withParseWhitespaceControlStrictly(true)
          .withAllowAdjacentTextNodes(true)
          .withUseTrimmingForNotesAndExpressions(true)
          .withKeepNullableLoopValues(true)
          .withHandleBackslashInQuotesOnly(true)
          .build();

  private static final Jinjava JINJAVA = engine();

  private TemplateEngine() {}

  /**
   * Checks the syntax, also of branches that are seldom taken.
   *
   * @throws ChatTemplateException with the line
   */
  static void check(String source) {
    try {
      TemplateSyntax.check(JINJAVA, source);
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
  }

  /**
   * Renders the template.
   *
   * @throws ChatTemplateException when the template is broken, exceeds a bound or raises an
   *     exception of its own
   */
  static String render(String source, Map<String, Object> variables) {
    Progress progress = new Progress();
    RenderResult result;
    try {
      result =
          ScopedValue.where(PROGRESS, progress)
              .call(() -> JINJAVA.renderForResult(source, variables));
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
    if (progress.refusal != null) {
      throw new ChatTemplateException(progress.refusal);
    }
    if (result.hasErrors()) {
      throw TemplateSyntax.broken(result.getErrors().getFirst());
    }
    return result.getOutput();
  }

  private static ChatTemplateException tooDeep(StackOverflowError e) {
    return new ChatTemplateException("the chat template nests too deeply", e);
  }

  private static Jinjava engine() {
    CompositeELResolver resolver = new CompositeELResolver();
    resolver.add(new PythonMethods());
    resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
    Jinjava jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withLegacyOverrides(JINJA2)
                .withKeepTrailingNewline(true)
                // Otherwise {{ }} in a user's message would run as a template.
                .withNestedInterpretationEnabled(false)
                .withElResolver(resolver)
                .withMaxRenderDepth(MAX_DEPTH)
                .withMaxMacroRecursionDepth(MAX_DEPTH)
                .withEnableRecursiveMacroCalls(true)
                .withMaxOutputSize(MAX_OUTPUT_BYTES)
                .withMaxStringLength(MAX_OUTPUT_BYTES)
                .withMaxListSize(MAX_COLLECTION_ENTRIES)
                .withMaxMapSize(MAX_COLLECTION_ENTRIES)
                .withDisabled(
                    Map.of(
                        Library.TAG,
                        Set.of("include", "import", "from", "extends", "block"),
                        Library.FILTER,
                        Set.of("render", "fromyaml", "toyaml", "log")))
                .withProcessors(
                    JinjavaProcessors.newBuilder()
                        .withNodePreProcessor(TemplateEngine::takeStep)
                        .build())
                .build());
    jinjava.setResourceLocator(
        (name, charset, interpreter) -> {
          throw new InterpretException("a chat template cannot read " + name);
        });
    jinjava.registerFilter(new ToJson());
    jinjava.registerFilter(new Trim());
    jinjava.registerFilter(new Items());
    jinjava.registerTag(new GenerationTag());
    jinjava.registerFunction(function("raise_exception", "raiseException", Object.class));
    jinjava.registerFunction(function("strftime_now", "strftimeNow", String.class));
    return jinjava;
  }

  private static ELFunctionDefinition function(String name, String method, Class<?>... types) {
    return new ELFunctionDefinition("", name, TemplateEngine.class, method, types);
  }

  /** jinjava swallows exceptions in many places; this one comes again at every further step. */
  private static void takeStep(Node node, JinjavaInterpreter interpreter) {
    if (!PROGRESS.isBound()) {
      return;
    }
    Progress progress = PROGRESS.get();
    if (++progress.steps > MAX_STEPS && progress.refusal == null) {
      progress.refusal = "the chat template takes more than %d steps".formatted(MAX_STEPS);
    }
    if (progress.refusal != null) {
      throw new InterpretException(progress.refusal, node.getLineNumber());
    }
  }

  /** Called by templates, by name. */
  static String raiseException(@Nullable Object message) {
    Progress progress = PROGRESS.get();
    if (progress.refusal == null) {
      progress.refusal = Objects.toString(message, "the chat template refuses the messages");
    }
    throw new InterpretException(progress.refusal);
  }

  /** Called by templates, by name. */
  static String strftimeNow(String format) {
    return StrftimeFormatter.format(ZonedDateTime.now(ZoneId.systemDefault()), format);
  }

  /** json.dumps(value, ensure_ascii=False, indent=...), as transformers defines the filter. */
  private static final class ToJson implements Filter {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Separators PYTHON =
        Separators.createDefaultInstance()
            .withObjectFieldValueSpacing(Spacing.AFTER)
            .withObjectEntrySpacing(Spacing.NONE)
            .withObjectEmptySeparator("")
            .withArrayEmptySeparator("");

    @Override
    public Object filter(
        Object value, JinjavaInterpreter interpreter, Object[] args, Map<String, Object> named) {
      Object indent = named.get("indent");
      DefaultPrettyPrinter printer;
      if (indent instanceof Number spaces) {
        DefaultIndenter lines =
            new DefaultIndenter(" ".repeat(Math.clamp(spaces.longValue(), 0, 16)), "\n");
        printer =
            new DefaultPrettyPrinter(PYTHON).withObjectIndenter(lines).withArrayIndenter(lines);
      } else {
        var nothing = new DefaultPrettyPrinter.NopIndenter();
        printer =
            new DefaultPrettyPrinter(
                    PYTHON
                        .withObjectEntrySpacing(Spacing.AFTER)
                        .withArrayValueSpacing(Spacing.AFTER))
                .withObjectIndenter(nothing)
                .withArrayIndenter(nothing);
      }
      try {
        return JSON.writer(printer).writeValueAsString(value);
      } catch (JsonProcessingException e) {
        throw new InterpretException("tojson: " + e.getOriginalMessage(), e);
      }
    }

    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
      return filter(value, interpreter, new Object[0], Map.of());
    }

    @Override
    public String getName() {
      return "tojson";
    }
  }

  /** str.strip(), where jinjava's own leaves white space beyond ASCII. */
  private static final class Trim implements Filter {
    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
      return PythonMethods.strip(Objects.toString(value, ""), true, true);
    }

    @Override
    public String getName() {
      return "trim";
    }
  }

  /** The entries of a dictionary. */
  private static final class Items implements Filter {
    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
      return value instanceof Map<?, ?> map ? List.copyOf(map.entrySet()) : List.of();
    }

    @Override
    public String getName() {
      return "items";
    }
  }

  /** transformers marks an assistant's part for training with it; here it only holds the part. */
  private static final class GenerationTag implements Tag {
    private static final long serialVersionUID = 1L;

    @Override
    public String interpret(TagNode node, JinjavaInterpreter interpreter) {
      StringBuilder text = new StringBuilder();
      List.copyOf(node.getChildren()).forEach(child -> text.append(child.render(interpreter)));
      return text.toString();
    }

    @Override
    public String getName() {
      return "generation";
    }
  }
}
